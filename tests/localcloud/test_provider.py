"""The real provider, run by the real engine, against the products that no landing of a site touches yet."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cloud import Cloud
from tests.localcloud.certificates import certificate, detail
from tests.localcloud.orders import lighthouse

pytestmark = pytest.mark.slow

PROJECT = """\
name: provider
runtime:
  name: python
  options: {toolchain: pip, virtualenv: .venv}
"""
PROGRAM = """\
import json
import pulumi
import tencentcloud_iac_pulumi as tencentcloud

given = json.loads(pulumi.Config().require("given"))
account = tencentcloud.user.get_info()
pulumi.export("appid", account.app_id)
bucket = tencentcloud.cos.Bucket(
    "bucket",
    bucket=f"content-{account.app_id}",
    acl="private",
    force_clean=True,
    encryption_algorithm="AES256",
    lifecycle_rules=[
        {
            "filterPrefix": "releases/",
            "expiration": {"days": given["days"]},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        }
    ],
    cors_rules=given["cors"],
    tags={"site": "example.cn", "stage": given["stage"]},
)
pulumi.export("bucket", bucket.bucket)
notice = tencentcloud.monitor.AlarmNotice(
    "notice",
    name="site",
    notice_type="ALL",
    notice_language="zh-CN",
    url_notices=[{"url": given["webhook"]}],
)
policy = tencentcloud.monitor.AlarmPolicy(
    "policy",
    policy_name="site",
    monitor_type="MT_QCE",
    namespace="LIGHTHOUSE",
    enable=given["enable"],
    conditions={
        "isUnionRule": 0,
        "rules": [
            {"metricName": "CpuUsage", "period": 60, "operator": "ge", "value": given["most"], "continuePeriod": 5}
        ],
    },
    notice_ids=[notice.id],
)
tencentcloud.monitor.PolicyBindingObject(
    "watched",
    policy_id=policy.id,
    dimensions=[{"dimensionsJson": json.dumps({"InstanceId": given["instance"]})}],
)
pulumi.export("policy", policy.id)
uploaded = tencentcloud.ssl.Certificate(
    "uploaded",
    name="site",
    type="SVR",
    cert=given["chain"],
    key=pulumi.Output.secret(given["key"]),
    # With a name of its own the bridge would delete the old one first, which is refused while something uses it.
    opts=pulumi.ResourceOptions(delete_before_replace=False),
)
pulumi.export("uploaded", uploaded.id)
free = tencentcloud.ssl.FreeCertificate(
    "free",
    domain="www.provider.cn",
    dv_auth_method="DNS_AUTO",
    alias="free",
    # The provider reads both and can change neither: left out, the next `up` would fail.
    package_type="83",
    validity_period="3",
)
pulumi.export("free", free.id)
"""


class Program:
    """A stack of the program above."""

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        (folder / "Pulumi.yaml").write_text(PROJECT)
        (folder / "__main__.py").write_text(PROGRAM)
        root = Path(__file__).resolve().parents[2]
        (folder / ".venv").symlink_to(Path(os.environ.get("VIRTUAL_ENV") or root / ".venv"))
        (folder / "state").mkdir()
        self._folder = folder
        self._environment = {**cloud.environment(), "PULUMI_BACKEND_URL": f"file://{folder / 'state'}"}
        self.pulumi("stack", "init", "test")
        self.pulumi("config", "set", "tencentcloud:region", "ap-guangzhou")

    def up(self, **given: object) -> dict[str, str]:
        """Bring the stack up; return its outputs."""
        self.pulumi("config", "set", "given", json.dumps(given))
        self.pulumi("up", "--yes", "--skip-preview")
        return dict(json.loads(self.pulumi("stack", "output", "--json")))

    def unchanged(self, command: str) -> bool:
        """Whether a command finds nothing to do."""
        done = self.pulumi(command, "--yes", "--skip-preview")
        return re.search(r"Resources:\n +\d+ unchanged\n", done) is not None

    def pulumi(self, *arguments: str) -> str:
        """One command, which must succeed."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def uploaded(*names: str) -> dict[str, str]:
    """A certificate that was bought elsewhere."""
    chain, key = certificate(*names)
    return {"chain": chain.strip(), "key": key.strip()}


def test_buckets_alarms_and_certificates(cloud: Cloud, tmp_path: Path) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": "provider.cn"})
    before = cloud.counts()
    program = Program(tmp_path, cloud)
    with lighthouse(cloud) as instance:
        given = {"days": 30, "cors": [], "stage": "staging", "webhook": "https://hooks.example.cn/1", "enable": 1}
        outputs = program.up(**given, most="80", instance=instance, **uploaded("provider.cn"))
        assert (outputs["appid"], outputs["bucket"]) == (
            cloud.account.app_id,
            f"content-{cloud.account.app_id}",
        )
        described = {"Module": "monitor", "PolicyId": outputs["policy"]}
        policy = cloud.call("monitor", "DescribeAlarmPolicy", described)["Policy"]
        assert (policy["InstanceSum"], policy["Region"]) == (1, ["gz"])
        assert program.unchanged("up")
        assert program.unchanged("refresh")
        cors = [{"allowedOrigins": ["*"], "allowedMethods": ["GET"], "allowedHeaders": ["*"], "maxAgeSeconds": 60}]
        given = {"days": 7, "cors": cors, "stage": "production", "webhook": "https://hooks.example.cn/2", "enable": 0}
        calls = cloud.calls()
        renewed = program.up(**given, most="90", instance=instance, **uploaded("provider.cn"))
        made = [line["action"] for line in list(cloud.audit())[calls:] if line["service"] == "ssl"]
        assert renewed["uploaded"] != outputs["uploaded"]
        assert made.index("UploadCertificate") < made.index("DeleteCertificate")
        cloud.until(lambda: detail(cloud, outputs["free"])["Status"] == 1)
        program.pulumi("refresh", "--yes", "--skip-preview")
        policy = cloud.call("monitor", "DescribeAlarmPolicy", described)["Policy"]
        assert (policy["Enable"], policy["Condition"]["Rules"][0]["Value"]) == (0, "90")
        assert policy["Notices"][0]["URLNotices"][0]["URL"] == "https://hooks.example.cn/2"
        assert program.unchanged("refresh")
        program.pulumi("destroy", "--yes", "--skip-preview")
    # The record that validated the free certificate is the zone's own, and stays.
    after = cloud.counts()
    assert after == {**before, "record": before["record"] + 1}
    cloud.call("dnspod", "DeleteDomain", {"Domain": "provider.cn"})
