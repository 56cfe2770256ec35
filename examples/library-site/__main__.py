"""A site by luodi, and beside it what else its domain needs: its mail (腾讯企业邮箱)."""

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

from luodi import Settings, Site

settings = Settings.from_stack()
site = Site("site", settings)

zone = settings.main.zone
tencentcloud.dnspod.Record(
    "mail", domain=zone, sub_domain="@", record_type="MX", record_line="默认", value="mxbiz1.qq.com.", mx=5
)
tencentcloud.dnspod.Record(
    "mail-senders",
    domain=zone,
    sub_domain="@",
    record_type="TXT",
    record_line="默认",
    value="v=spf1 include:spf.mail.qq.com ~all",
)

for name, value in site.outputs().items():
    pulumi.export(name, value)
