"""What a site declares, to the last resource, with the cloud's answers made up."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from luodi.api import Account, ApiError, Unreachable
from luodi.cloud import cos
from luodi.delivery import content
from luodi.delivery.scripts import Scripts
from luodi.settings import Settings
from luodi.site import Site
from tests.unit.declaration import PROJECT, STACK, Declaration, Declared, declare

TEMPLATES = Path(__file__).parents[2] / "templates"
SECRET = "x7Qd-not-for-anybody-9Kp"
CVM: Mapping[str, Any] = {"kind": "cvm"}
LIGHTHOUSE: Mapping[str, Any] = {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"}
BOTH = pytest.mark.parametrize("server", [CVM, LIGHTHOUSE], ids=["cvm", "lighthouse"])
FILED = {"subject": {"name": "示例科技有限公司"}, "icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-01-02"}}
CHAIN = "-----BEGIN CERTIFICATE-----\nthe leaf\n-----END CERTIFICATE-----\n"
WEB = [("80", "TCP", "0.0.0.0/0", "ACCEPT"), ("443", "TCP", "0.0.0.0/0", "ACCEPT")]

OUTPUTS: Mapping[str, dict[str, Any]] = {
    "Eip/instance:Instance": {"publicIp": "203.0.113.80"},
    "Instance/instance:Instance": {"publicIp": "203.0.113.9"},
    "Lighthouse/instance:Instance": {"publicAddresses": ["203.0.113.9"]},
    "luodi:AcmeAccount": {"account_key": "the account's key", "url": "https://acme.example/1", "directory": "d"},
    "luodi:Certificate": {
        "chains": {"ecdsa": CHAIN},
        "fingerprints": {"ecdsa": "ab" * 32},
        "authority": "https://acme.example/directory",
        "issuer": "R13",
        "serial": "2badc0ffee",
        "not_before": "2026-11-21T00:00:00+00:00",
        "not_after": "2027-02-19T00:00:00+00:00",
        "renewal": "2027-01-20T00:00:00+00:00",
        "renewal_reason": "of its life",
    },
    "luodi:Release": {"release": "0123456789abcdef"},
}
UP: Mapping[str, Any] = {
    "urn:zone": {"type": "tencentcloud:Dnspod/domainInstance:DomainInstance", "outputs": {"id": "example.cn"}}
}
"""What the state holds of a stack that has made its zone."""
IMAGES = [
    {"imageId": "img-old", "createdTime": "2024-05-01T00:00:00Z", "osName": "Ubuntu Server 24.04 LTS 64位"},
    {"imageId": "img-new", "createdTime": "2026-05-01T00:00:00Z", "osName": "Ubuntu Server 24.04 LTS 64位"},
    {"imageId": "img-older", "createdTime": "2023-05-01T00:00:00Z", "osName": "Ubuntu Server 24.04 LTS 64位"},
]
BLUEPRINTS = [
    {"BlueprintId": "lhbp-u24", "DisplayTitle": "Ubuntu24.04-LTS", "OsName": "Ubuntu Server 24.04 LTS 64bit"},
    {"BlueprintId": "lhbp-d12", "DisplayTitle": "Debian12", "OsName": "Debian 12 64bit"},
]


def api(_account: Account, _service: str, action: str, _parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A cloud with the zone, nothing in it, and two blueprints."""
    if action == "DescribeRecordList":
        raise ApiError(action, "ResourceNotFound.NoDataOfRecord", "no")
    return {"BlueprintSet": BLUEPRINTS} if action == "DescribeBlueprints" else {}


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", SECRET)
    monkeypatch.delenv("TENCENTCLOUD_SECURITY_TOKEN", raising=False)
    monkeypatch.setattr(Account, "call", api)


def landed(
    server: Mapping[str, Any],
    *,
    name: str = "shop",
    site: Mapping[str, Any] | None = None,
    filing: Mapping[str, Any] = FILED,
    images: list[dict[str, Any]] = IMAGES,
    config: Mapping[str, str] | None = None,
    secret: tuple[str, ...] = (),
    state: Mapping[str, Any] = UP,
    **sections: Mapping[str, Any] | list[Any],
) -> Declaration:
    """What a site declares whose stack says this."""
    settings = Settings.parse(
        {
            "tencentcloud:region": "ap-guangzhou",
            "luodi:site": {"domain": "example.cn", "title": "示例", **(site or {})},
            "luodi:server": server,
            "luodi:filing": filing,
            **{f"luodi:{section}": values for section, values in sections.items()},
        }
    )
    return declare(
        lambda: Site(name, settings, templates=TEMPLATES).outputs(),
        outputs=OUTPUTS,
        answers={
            "tencentcloud:Images/getInstance:getInstance": {"id": "x", "images": images},
            "tencentcloud:User/getInfo:getInfo": {"id": "x", "appId": "1250000000"},
            "pulumi:pulumi:readStackResourceOutputs": {"outputs": state},
        },
        config=config,
        secret=secret,
    )


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        call()
    return str(caught.value)


def rules(rules: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [(rule["port"], rule["protocol"], rule["cidrBlock"], rule["action"]) for rule in rules]


def firewall(told: Declaration, server: Mapping[str, Any]) -> list[dict[str, Any]]:
    if server["kind"] == "cvm":
        return list(told.one("GroupRuleSet").inputs["ingresses"])
    return list(told.one("FirewallRule").inputs["firewallRules"])


def instance(told: Declaration) -> Declared:
    return told.named("shop-server-instance")


# --- exactly what there is ---------------------------------------------------------------------------

EVERY_SITE = [
    f"{PROJECT}-{STACK} > luodi:index:Site shop",
    "shop > luodi:cloud:Records shop-records",
    "shop > pulumi-python:dynamic/luodi:AcmeAccount shop-acme-account",
    "shop > pulumi-python:dynamic/luodi:Certificate shop-certificate",
    "shop > pulumi-python:dynamic/luodi:Gate shop-gate",
    "shop > pulumi-python:dynamic/luodi:Preparation shop-preparation",
    "shop > pulumi-python:dynamic/luodi:Release shop-release",
    "shop-records > tencentcloud:Dnspod/record:Record shop-records-apex",
    "shop-records > tencentcloud:Dnspod/record:Record shop-records-www",
]
EVERY_CVM = [
    "shop > luodi:cloud:Cvm shop-server",
    "shop-server > luodi:cloud:Network shop-server",
    "shop-server > tencentcloud:Instance/instance:Instance shop-server-instance",
    "shop-server > tencentcloud:Security/group:Group shop-server-security-group",
    "shop-server > tencentcloud:Security/groupRuleSet:GroupRuleSet shop-server-rules",
    "shop-server > tencentcloud:Subnet/instance:Instance shop-server-subnet",
    "shop-server > tencentcloud:Vpc/instance:Instance shop-server-vpc",
]
EVERY_LIGHTHOUSE = [
    "shop > luodi:cloud:Lighthouse shop-server",
    "shop-server > tencentcloud:Lighthouse/firewallRule:FirewallRule shop-server-firewall",
    "shop-server > tencentcloud:Lighthouse/firewallTemplate:FirewallTemplate shop-server-firewall-template",
    "shop-server > tencentcloud:Lighthouse/instance:Instance shop-server-instance",
]
ZONE = "shop > tencentcloud:Dnspod/domainInstance:DomainInstance shop-zone"
RECORDS = [line for line in EVERY_SITE if "ecord" in line]
ELASTIC = [
    "shop-server > tencentcloud:Eip/association:Association shop-server-eip-association",
    "shop-server > tencentcloud:Eip/instance:Instance shop-server-eip",
]


def test_a_site_on_a_cvm() -> None:
    assert landed(CVM).tree == sorted([*EVERY_SITE, *EVERY_CVM])


def test_a_site_on_a_lighthouse() -> None:
    assert landed(LIGHTHOUSE).tree == sorted([*EVERY_SITE, *EVERY_LIGHTHOUSE])


def test_a_site_with_a_zone_of_its_own() -> None:
    told = landed(CVM, dns={"manage": "create"})
    assert told.tree == sorted([*EVERY_SITE, *EVERY_CVM, ZONE])
    assert told.named("shop-zone").inputs == {"domain": "example.cn"}
    assert all("shop-zone" in record.after for record in told.all("record:Record"))
    assert "shop-zone" in told.one("luodi:Certificate").after


def test_a_site_that_is_not_filed_has_no_record() -> None:
    told = landed(CVM, filing={"subject": {"name": "示例科技有限公司"}})
    assert told.tree == sorted({*EVERY_SITE, *EVERY_CVM} - set(RECORDS))
    assert told.outputs["filing"]["public"] is False


def test_a_site_with_an_elastic_ip() -> None:
    told = landed({**CVM, "elastic-ip": True})
    assert told.tree == sorted([*EVERY_SITE, *EVERY_CVM, *ELASTIC])
    assert told.outputs["address"] == "203.0.113.80"
    assert [record.inputs["value"] for record in told.all("record:Record")] == ["203.0.113.80"] * 2
    assert told.one("Association").inputs == {"eipId": "shop-server-eip-id", "instanceId": "shop-server-instance-id"}
    own = instance(told).inputs
    assert own["allocatePublicIp"] is False
    assert not {"internetChargeType", "internetMaxBandwidthOut"} & set(own)


@pytest.mark.parametrize(
    ("bandwidth", "charged"),
    [
        ({}, {"internetChargeType": "TRAFFIC_POSTPAID_BY_HOUR", "internetMaxBandwidthOut": 5}),
        (
            {"charge-type": "BANDWIDTH_PREPAID", "mbps": 10},
            {"internetChargeType": "BANDWIDTH_PREPAID_BY_MONTH", "internetMaxBandwidthOut": 10, "prepaidPeriod": 6},
        ),
    ],
)
def test_what_an_elastic_ip_is_charged_by(bandwidth: dict[str, Any], charged: dict[str, Any]) -> None:
    eip = landed({**CVM, "elastic-ip": True, "period": 6, "bandwidth": bandwidth}).named("shop-server-eip")
    assert eip.inputs.items() >= charged.items()
    assert ("prepaidPeriod" in eip.inputs) == ("prepaidPeriod" in charged)


@BOTH
def test_every_name_is_derived_from_the_component_s(server: Mapping[str, Any]) -> None:
    shop = landed(server, dns={"manage": "create"})
    other = landed(server, name="other", dns={"manage": "create"})
    assert {one.name.split("-")[0] for one in shop.resources} == {"shop"}
    assert {one.name for one in other.resources} == {one.name.replace("shop", "other", 1) for one in shop.resources}


# --- what is open ------------------------------------------------------------------------------------


@BOTH
def test_80_and_443_are_open_and_nothing_else(server: Mapping[str, Any]) -> None:
    assert rules(firewall(landed(server), server)) == WEB


@BOTH
def test_what_is_asked_for_is_open_too(server: Mapping[str, Any]) -> None:
    asked = [{"port": "22", "source": "203.0.113.7/32", "description": "运维"}, {"port": "53", "source": "10.0.0.0/8"}]
    asked[1]["protocol"] = "UDP"
    opened = firewall(landed({**server, "ingress": asked}), server)
    assert rules(opened) == [
        *WEB,
        ("22", "TCP", "203.0.113.7/32", "ACCEPT"),
        ("53", "UDP", "10.0.0.0/8", "ACCEPT"),
    ]
    assert [rule.get("description", rule.get("firewallRuleDescription")) for rule in opened] == [
        *("http", "https", "运维", "opened by the stack")
    ]


def test_everything_is_open_outwards() -> None:
    told = landed(CVM)
    assert rules(told.one("GroupRuleSet").inputs["egresses"]) == [("ALL", "ALL", "0.0.0.0/0", "ACCEPT")]
    assert told.one("GroupRuleSet").inputs["securityGroupId"] == "shop-server-security-group-id"


def test_a_cvm_never_stands_without_its_rules() -> None:
    own = instance(landed(CVM))
    assert own.inputs["orderlySecurityGroups"] == ["shop-server-security-group-id"]
    assert "shop-server-rules" in own.after


def test_a_lighthouse_starts_with_nothing_open() -> None:
    told = landed(LIGHTHOUSE)
    template = told.one("FirewallTemplate")
    assert template.inputs == {"templateName": f"{PROJECT}-{STACK}"}
    assert instance(told).inputs["firewallTemplateId"] == "shop-server-firewall-template-id"
    assert template.name in instance(told).after
    assert told.one("FirewallRule").inputs["instanceId"] == "shop-server-instance-id"


# --- the server --------------------------------------------------------------------------------------


def test_a_cvm_and_its_network() -> None:
    told = landed({**CVM, "zone": "ap-guangzhou-3", "network": "10.9.0.0/16", "subnet": "10.9.9.0/24"})
    label, tags = f"{PROJECT}-{STACK}", {"project": PROJECT, "stack": STACK}
    assert told.one("Vpc/instance:Instance").inputs == {"name": label, "cidrBlock": "10.9.0.0/16", "tags": tags}
    assert told.one("Subnet/instance:Instance").inputs == {
        "name": label,
        "vpcId": "shop-server-vpc-id",
        "availabilityZone": "ap-guangzhou-3",
        "cidrBlock": "10.9.9.0/24",
        "isMulticast": False,
        "tags": tags,
    }
    assert instance(told).inputs == {
        "instanceName": label,
        "hostname": label,
        "availabilityZone": "ap-guangzhou-3",
        "imageId": "img-new",
        "instanceType": "S5.MEDIUM2",
        "instanceChargeType": "PREPAID",
        "instanceChargeTypePrepaidPeriod": 12,
        "instanceChargeTypePrepaidRenewFlag": "NOTIFY_AND_AUTO_RENEW",
        "vpcId": "shop-server-vpc-id",
        "subnetId": "shop-server-subnet-id",
        "orderlySecurityGroups": ["shop-server-security-group-id"],
        "systemDiskType": "CLOUD_BSSD",
        "systemDiskSize": 50,
        "allocatePublicIp": True,
        "internetChargeType": "TRAFFIC_POSTPAID_BY_HOUR",
        "internetMaxBandwidthOut": 5,
        "userDataRaw": Scripts(TEMPLATES).prepare(),
        "forceDelete": True,
        "tags": tags,
    }


def test_what_a_cvm_can_be_told() -> None:
    told = landed(
        {
            **CVM,
            "instance-type": "SA5.LARGE8",
            "period": 24,
            "renew-flag": "NOTIFY_AND_MANUAL_RENEW",
            "disk": {"type": "CLOUD_SSD", "size": 100},
            "bandwidth": {"charge-type": "BANDWIDTH_PREPAID", "mbps": 20},
        }
    )
    wanted = {
        "instanceType": "SA5.LARGE8",
        "instanceChargeTypePrepaidPeriod": 24,
        "instanceChargeTypePrepaidRenewFlag": "NOTIFY_AND_MANUAL_RENEW",
        "systemDiskType": "CLOUD_SSD",
        "systemDiskSize": 100,
        "internetChargeType": "BANDWIDTH_PREPAID",
        "internetMaxBandwidthOut": 20,
    }
    assert instance(told).inputs.items() >= wanted.items()


def test_pay_as_you_go_has_no_period() -> None:
    told = landed({**CVM, "charge-type": "POSTPAID_BY_HOUR"}, site={"domain": "staging.example.cn"})
    own = instance(told).inputs
    assert own["instanceChargeType"] == "POSTPAID_BY_HOUR"
    assert not [name for name in own if "Prepaid" in name]


def test_a_lighthouse() -> None:
    told = landed({**LIGHTHOUSE, "period": 6, "renew-flag": "DISABLE_NOTIFY_AND_MANUAL_RENEW"})
    assert instance(told).inputs == {
        "instanceName": f"{PROJECT}-{STACK}",
        "bundleId": "bundle_starter_mc_promo_med2_01",
        "blueprintId": "lhbp-u24",
        "period": 6,
        "renewFlag": "DISABLE_NOTIFY_AND_MANUAL_RENEW",
        "zone": "ap-guangzhou-6",
        "firewallTemplateId": "shop-server-firewall-template-id",
    }


def test_no_up_ever_reinstalls_a_server() -> None:
    assert set(instance(landed(CVM)).ignored) == {"imageId", "userDataRaw"}
    assert set(instance(landed(LIGHTHOUSE)).ignored) == {"blueprintId", "period", "zone", "firewallTemplateId"}


@pytest.mark.parametrize(
    ("server", "kept"),
    [
        ({**CVM, "elastic-ip": True}, {"shop-server-instance", "shop-server-eip"}),
        (LIGHTHOUSE, {"shop-server-instance"}),
    ],
    ids=["cvm", "lighthouse"],
)
def test_protection_is_for_those_who_ask(server: Mapping[str, Any], kept: set[str]) -> None:
    told = landed({**server, "protect": True}, dns={"manage": "create"})
    assert {one.name for one in told.resources if one.protect} == kept | {"shop-zone", "shop-records-apex"}
    assert not [one.name for one in landed(server, dns={"manage": "create"}).resources if one.protect]


@pytest.mark.parametrize(
    ("blueprint", "found"),
    [("Debian 12 64bit", "lhbp-d12"), ("Ubuntu24.04-LTS", "lhbp-u24"), ("lhbp-own", "lhbp-own")],
)
def test_a_blueprint_goes_by_name_or_id(blueprint: str, found: str) -> None:
    assert instance(landed({**LIGHTHOUSE, "blueprint": blueprint})).inputs["blueprintId"] == found


# --- records, certificate, release -------------------------------------------------------------------


def is_taken_over(record: Declared) -> bool:
    """Whether a record is declared, in any way, as one that is there already."""
    return bool(record.imported or record.ignored or record.retained)


@BOTH
def test_a_record_for_every_name(server: Mapping[str, Any]) -> None:
    names = ["www.example.cn", "api.v2.example.cn"]
    told = landed(server, site={"names": names}, dns={"ttl": 120})
    records = {record.name: record for record in told.all("record:Record")}
    assert {name: record.inputs["subDomain"] for name, record in records.items()} == {
        "shop-records-apex": "@",
        "shop-records-www": "www",
        "shop-records-api.v2": "api.v2",
    }
    for record in records.values():
        assert (
            record.inputs.items()
            >= {
                "domain": "example.cn",
                "recordType": "A",
                "recordLine": "默认",
                "value": "203.0.113.9",
                "ttl": 120,
                "remark": f"luodi {PROJECT}/{STACK}",
            }.items()
        )
        assert record.delete_first
    assert records["shop-records-apex"].after >= {"shop-records-www", "shop-records-api.v2"}
    assert not [record.name for record in records.values() if is_taken_over(record)]


MADE_BY_HAND = {"RecordId": 7, "Type": "A", "Value": "192.0.2.7", "Line": "默认", "Status": "ENABLE", "Remark": "老"}


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud whose zone has a record of somebody's at www."""

    def call(account: Account, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if action == "DescribeRecordList" and parameters["Subdomain"] == "www":
            return {"RecordList": [MADE_BY_HAND]}
        return api(account, service, action, parameters)

    monkeypatch.setattr(Account, "call", call)


@pytest.mark.usefixtures("by_hand")
def test_a_record_that_is_taken_over_stays_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    told = landed(CVM, dns={"adopt": {"www.example.cn": 7}})
    www = told.named("shop-records-www")
    assert www.imported == "example.cn#7"
    assert www.ignored == ("value", "ttl", "weight", "remark")
    assert www.retained
    assert not is_taken_over(told.named("shop-records-apex"))
    assert "take luodi:dns.adopt out of the stack file" in caplog.text


@pytest.mark.usefixtures("by_hand")
def test_a_record_that_was_taken_over_is_the_stack_s_own_once_that_is_taken_out() -> None:
    record = {"type": "tencentcloud:Dnspod/record:Record", "outputs": {"id": "example.cn#7"}}
    server = {"type": "tencentcloud:Instance/instance:Instance", "outputs": {"id": "ins-7"}}
    www = landed(CVM, state={"urn:1": record, "urn:2": server}).named("shop-records-www")
    assert not is_taken_over(www)
    assert www.inputs["value"] == "203.0.113.9"


def test_a_zone_that_somebody_made_is_not_created() -> None:
    said = refusal(lambda: landed(CVM, dns={"manage": "create"}, state={}))
    assert said.startswith("luodi:dns.manage: the zone example.cn is at DNSPod already, and this stack did not make it")


def test_a_zone_is_made_once_for_all_the_sites_that_are_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_the_zone(account: Account, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if action == "DescribeDomain":
            raise ApiError(action, "InvalidParameterValue.DomainNotExists", "no")
        return api(account, service, action, parameters)

    monkeypatch.setattr(Account, "call", without_the_zone)
    docs = {"site": {"domain": "docs.example.cn", "title": "示例文档"}}
    told = landed(CVM, dns={"manage": "create"}, sites=[docs], state={})
    assert told.one("DomainInstance").inputs == {"domain": "example.cn"}
    assert all("shop-zone" in record.after for record in told.all("record:Record"))


def test_a_zone_with_a_chinese_name_is_known_again() -> None:
    site = {"domain": "示例.cn", "title": "示例"}
    held = {**UP["urn:zone"], "outputs": {"id": "示例.cn"}}
    told = landed(CVM, site=site, dns={"manage": "create"}, state={"urn:zone": held})
    assert told.named("shop-zone").inputs == {"domain": "xn--fsq092h.cn"}


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("identifier", ["example.cn#8", "other.cn#7", "example.cn#", ""])
def test_another_record_s_id_in_the_state_is_not_that_one_s(identifier: str) -> None:
    record = {"type": "tencentcloud:Dnspod/record:Record", "outputs": {"id": identifier}}
    assert "www.example.cn has a record already" in refusal(lambda: landed(CVM, state={"urn:1": record}))


@BOTH
def test_nothing_is_done_on_a_server_that_is_not_ready(server: Mapping[str, Any]) -> None:
    told = landed(server)
    ready = told.one("luodi:Preparation").after
    assert ready >= {one.name for one in told.resources if one.custom and one.parent == "shop-server"}
    assert told.one("luodi:Certificate").after >= {"shop-preparation", "shop-acme-account"}
    assert told.one("luodi:Release").after >= {"shop-preparation", "shop-certificate"}
    assert "shop-release" in told.one("luodi:cloud:Records").after


def test_a_certificate_is_for_every_name() -> None:
    told = landed(CVM, site={"domain": "例子.cn"}, certificate={"email": "ops@example.cn", "propagation-timeout": 9})
    names = ["xn--fsqu00a.cn", "www.xn--fsqu00a.cn"]
    certificate = told.one("luodi:Certificate")
    assert certificate.inputs["names"] == names
    assert certificate.inputs["site"] == "xn--fsqu00a.cn"
    assert certificate.inputs["kinds"] == ["ecdsa"]
    assert (
        certificate.inputs.items()
        >= {
            "account_key": "the account's key",
            "instance": "shop-server-instance-id",
            "zone": "xn--fsqu00a.cn",
            "region": "ap-guangzhou",
            "email": "ops@example.cn",
            "propagation_timeout": 9,
        }.items()
    )


@pytest.mark.parametrize(
    ("certificate", "authority"),
    [
        ({}, "letsencrypt"),
        ({"authority": "letsencrypt-staging"}, "letsencrypt-staging"),
        ({"authority": "https://acme.example/dir"}, "https://acme.example/dir"),
    ],
)
def test_the_authority_is_the_stack_s(certificate: dict[str, str], authority: str) -> None:
    told = landed(CVM, certificate=certificate)
    assert told.one("luodi:AcmeAccount").inputs["authorities"] == [authority]
    assert told.one("luodi:Certificate").inputs["authorities"] == [authority]


def test_a_release_is_what_nginx_needs() -> None:
    inputs = landed(CVM).one("luodi:Release").inputs
    assert inputs["names"] == ["example.cn", "www.example.cn"]
    for file in ("ecdsa.pem", "ecdsa.key"):
        assert f"/etc/luodi/tls/example.cn/current/{file}" in inputs["files"]["nginx/sites/example.cn.conf"]
    assert CHAIN not in str(inputs), "a renewal touches no release"
    assert "粤ICP备2026068982号" in inputs["files"]["sites/example.cn/snippets/footer.html"]
    assert "示例" in inputs["files"]["sites/example.cn/html/index.html"]
    assert inputs["folders"] == {}


def test_content_goes_with_the_release(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    inputs = landed(CVM, site={"content": str(tmp_path)}).one("luodi:Release").inputs
    digest = content.look(str(tmp_path)).digest
    assert inputs["folders"] == {"sites/example.cn/html": {"source": str(tmp_path), "digest": digest}}
    assert inputs["footers"] == {"sites/example.cn/html": "sites/example.cn/snippets/footer.html"}
    assert "sites/example.cn/html/index.html" not in inputs["files"]
    left_alone = landed(CVM, site={"content": str(tmp_path), "footer": {"inject": False}}).one("luodi:Release").inputs
    assert left_alone["footers"] == {}


def test_pages_that_can_have_no_footer_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, **_: told.append(line))
    for number in range(12):
        (tmp_path / f"{number:02d}.html").write_text("<!doctype html><frameset></frameset>")
    landed(CVM, site={"content": str(tmp_path)})
    about = [line for line in told if line.startswith(str(tmp_path))]
    assert about[0].startswith(f"{tmp_path}/00.html gets no footer: it shows nothing at its end")
    assert about[10:] == [f"{tmp_path} has 2 more such pages"]


def test_what_is_asked_for_after_the_switch() -> None:
    inputs = landed(CVM, delivery={"keep": 3}).one("luodi:Release").inputs
    assert inputs["pages"] == {"example.cn": "sites/example.cn/snippets/footer.html"}
    assert inputs["keep"] == 3
    inputs = landed(CVM, site={"footer": {"inject": False}}).one("luodi:Release").inputs
    assert inputs["pages"] == {"example.cn": ""}


def test_large_content_goes_through_a_bucket_that_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(bytes(1_000_001))
    told = landed(CVM, site={"content": str(tmp_path)})
    bucket = told.one("Cos/bucket:Bucket")
    assert bucket.name == "shop-uploads"
    assert bucket.inputs["bucket"] == f"luodi-{PROJECT}-{STACK}-1250000000"
    assert bucket.inputs["acl"] == "private"
    assert bucket.inputs["forceClean"] is True
    [rule] = bucket.inputs["lifecycleRules"]
    assert rule["expiration"] == {"days": 1}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}
    assert told.one("luodi:Release").inputs["bucket"] == bucket.inputs["bucket"]


@pytest.mark.parametrize(("by", "size", "bucket"), [("tat", 1_000_001, False), ("auto", 10, False), ("cos", 10, True)])
def test_a_bucket_is_had_where_it_is_needed_or_asked_for(tmp_path: Path, by: str, size: int, bucket: bool) -> None:
    (tmp_path / "film.mp4").write_bytes(bytes(size))
    told = landed(CVM, site={"content": str(tmp_path)}, delivery={"by": by})
    assert any(each.type.endswith("Cos/bucket:Bucket") for each in told.resources) is bucket


def test_a_list_of_files_that_tat_can_t_carry_goes_through_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luodi.releasing._LISTED_FROM", 1)
    (tmp_path / "one").touch()
    assert landed(CVM, site={"content": str(tmp_path)}).all("Cos/bucket:Bucket") == []
    (tmp_path / "two").touch()
    assert len(landed(CVM, site={"content": str(tmp_path)}).all("Cos/bucket:Bucket")) == 1


@pytest.mark.parametrize("label", ["Shop_1/dev", "a" * 80, "-", "网站/production"])
def test_a_bucket_s_name_is_one_that_cos_takes(label: str) -> None:
    fit = cos._fit(label)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fit)
    assert fit != cos._fit(f"{label}x")


def test_content_is_built_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    build = {"command": "mkdir -p out && echo hello > out/index.html", "output": "out"}
    inputs = landed(CVM, site={"build": build}).one("luodi:Release").inputs
    assert inputs["folders"] == {
        "sites/example.cn/html": {"source": "out", "digest": content.look(str(tmp_path / "out")).digest}
    }
    assert refusal(lambda: landed(CVM, site={"build": {"command": "echo no; exit 3", "output": "out"}})) == (
        "luodi:site.build: `echo no; exit 3` ended with exit code 3. It said:\nno"
    )


def test_a_preview_judges_what_was_built_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    build = {"command": "mkdir -p out && date +%N > out/index.html", "output": "out"}
    first = landed(CVM, site={"build": build}).one("luodi:Release").inputs
    assert landed(CVM, site={"build": build}).one("luodi:Release").inputs["folders"] == first["folders"]


@BOTH
def test_what_a_stack_exports(server: Mapping[str, Any]) -> None:
    outputs = landed(server).outputs
    assert outputs["filing"]["public"] is True
    del outputs["filing"]
    told = outputs.pop("readme")
    assert told.startswith("# 示例\n")
    assert "`203.0.113.9`" in told
    assert outputs == {
        "url": "https://example.cn",
        "names": ["example.cn", "www.example.cn"],
        "address": "203.0.113.9",
        "instance": "shop-server-instance-id",
        "certificate": {
            "issuer": "R13",
            "serial": "2badc0ffee",
            "notBefore": "2026-11-21T00:00:00+00:00",
            "notAfter": "2027-02-19T00:00:00+00:00",
            "renewal": "2027-01-20T00:00:00+00:00",
            "renewalReason": "of its life",
            "authority": "https://acme.example/directory",
            "source": "acme",
            "keyTypes": ["ecdsa"],
            "fingerprints": ["ab" * 32],
        },
        "release": "0123456789abcdef",
    }


@pytest.mark.parametrize(
    ("path", "block"),
    [("server/prepare.sh.j2", "time"), ("nginx/http/tls.conf.j2", "tls"), ("pages/404.html.j2", "main")],
)
def test_a_template_that_can_t_be_rendered_is_told_before_any_call(
    path: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(
        f'{{% extends "luodi/{path}" %}}\n{{% block {block} %}}{{{{ nothing.at.all }}}}{{% endblock %}}'
    )
    monkeypatch.setattr("tests.unit.test_components.TEMPLATES", tmp_path)
    monkeypatch.setattr(Account, "call", lambda *_: pytest.fail("was called"))
    assert f"{path}, line 2: 'nothing' is undefined" in refusal(lambda: landed(CVM))


def test_a_readme_that_can_t_be_rendered_is_told_before_any_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "readme").mkdir()
    (tmp_path / "readme" / "readme.md.j2").write_text("{{ nothing.at.all }}", "utf-8")
    monkeypatch.setattr("tests.unit.test_components.TEMPLATES", tmp_path)
    monkeypatch.setattr(Account, "call", lambda *_: pytest.fail("was called"))
    assert "readme.md.j2, line 1: 'nothing' is undefined" in refusal(lambda: landed(CVM))


# --- secrets -----------------------------------------------------------------------------------------


@BOTH
def test_no_credential_is_in_any_input(server: Mapping[str, Any]) -> None:
    told = landed(server, dns={"manage": "create"})
    shown = json.dumps([one.inputs for one in told.resources]) + json.dumps(told.outputs)
    programs = [base64.b64decode(one.inputs["__provider"]) for one in told.resources if "__provider" in one.inputs]
    assert len(programs) == 5
    assert SECRET not in shown
    assert "AKIDexample" not in shown
    assert not [program for program in programs if SECRET.encode() in program]


def test_an_account_key_is_a_secret_wherever_it_is() -> None:
    told = landed(CVM)
    holding = [one for one in told.resources if "the account's key" in json.dumps(one.inputs)]
    assert [one.name for one in holding] == ["shop-certificate"]
    assert "account_key" in told.one("luodi:AcmeAccount").secret_outputs
    assert "account_key" in told.one("luodi:Certificate").secret_outputs


def test_an_account_key_of_the_stack_s_stays_a_secret() -> None:
    told = landed(CVM, config={"luodi:acme-account-key": "PEM"}, secret=("luodi:acme-account-key",))
    account = told.one("luodi:AcmeAccount")
    assert account.inputs["key"] == "PEM"
    assert account.secret == {"key"}


# --- what ends the program, in one line --------------------------------------------------------------


def failing(error: Exception) -> Callable[..., dict[str, Any]]:
    def call(*_: object) -> dict[str, Any]:
        raise error

    return call


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    assert refusal(lambda: landed(CVM)).startswith("No Tencent Cloud credentials. Set TENCENTCLOUD_SECRET_ID and ")


def test_the_stack_s_own_credentials_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Account] = []

    def call(account: Account, *request: Any) -> dict[str, Any]:
        asked.append(account)
        return api(account, *request)

    monkeypatch.delenv("TENCENTCLOUD_SECRET_ID")
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    monkeypatch.setattr(Account, "call", call)
    own = {"tencentcloud:secretId": "AKIDstack", "tencentcloud:secretKey": "stack's"}
    landed(CVM, config=own, secret=("tencentcloud:secretKey",))
    assert set(asked) == {Account("AKIDstack", "stack's", "ap-guangzhou")}


@pytest.mark.parametrize(
    "error",
    [
        ApiError("DescribeDomain", "AuthFailure.SignatureFailure", "不对"),
        Unreachable("DescribeDomain", "127.0.0.1:1", "Connection refused"),
    ],
)
def test_a_cloud_that_refuses_or_does_not_answer(error: ApiError, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "call", failing(error))
    assert refusal(lambda: landed(CVM)) == str(error)


def test_a_zone_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ApiError("DescribeDomain", "InvalidParameterValue.DomainNotExists", "no")
    monkeypatch.setattr(Account, "call", failing(missing))
    assert refusal(lambda: landed(CVM)).startswith("luodi:dns: the zone example.cn is not at DNSPod in this account.")


def test_a_blueprint_that_is_not_there() -> None:
    assert refusal(lambda: landed({**LIGHTHOUSE, "blueprint": "Ubuntu 25.10"})) == (
        "luodi:server.blueprint: no system image (镜像) is called 'Ubuntu 25.10' in this region; there are Debian 12 "
        "64bit, Debian12, Ubuntu Server 24.04 LTS 64bit, Ubuntu24.04-LTS"
    )


def test_an_image_that_is_not_there() -> None:
    assert refusal(lambda: landed({**CVM, "image": "Ubuntu 25.10"}, images=[])) == (
        "luodi:server.image: no public image's operating system is called 'Ubuntu 25.10' in this region; see the "
        "console's image list (镜像 > 公共镜像)"
    )


@pytest.mark.parametrize("times", [1, 99])
def test_a_state_that_is_just_being_written_is_read_again(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a state in files is: what belongs to the file is written by the engine's library in two steps."""
    invoke, torn = pulumi.runtime.invoke, iter(range(times))

    def read(token: str, *told: Any) -> Any:
        if token.endswith("readStackResourceOutputs") and next(torn, None) is not None:
            raise Exception("invocation of it returned an error: failed to load checkpoint: EOF")
        return invoke(token, *told)

    monkeypatch.setattr(pulumi.runtime, "invoke", read)
    if times == 1:
        assert len(landed(CVM, dns={"manage": "create"}).all("luodi:Release")) == 1
    else:
        with pytest.raises(Exception, match="failed to load checkpoint: EOF"):
            landed(CVM, dns={"manage": "create"})


def test_content_that_is_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "public")
    assert refusal(lambda: landed(CVM, site={"content": missing})) == (
        f"luodi:site.content: there is no folder {missing}; it is looked for from the project's folder"
    )
    further = [
        {"site": {"domain": "docs.example.cn", "title": "文档", "paths": [{"path": "/book/", "content": missing}]}}
    ]
    assert refusal(lambda: landed(CVM, sites=further)).startswith(
        f"luodi:sites[0].site.paths[0].content: there is no folder {missing};"
    )
    app = {"kind": "proxy", "app": {"content": missing, "command": ["./serve"], "health": "/"}}
    assert refusal(lambda: landed(CVM, site=app)).startswith(f"luodi:site.app.content: there is no folder {missing};")


@pytest.mark.parametrize(
    "site",
    [
        {"content": "/nowhere"},
        {"build": {"command": "exit 7", "output": "out"}},
        {"kind": "proxy", "app": {"content": "{}", "command": ["./serve"], "health": "/", "secrets": {"KEY": "key"}}},
    ],
    ids=["folder", "build", "secret"],
)
def test_nothing_is_bought_for_a_release_that_can_t_be(
    site: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "serve").touch()
    if app := site.get("app"):
        site = {**site, "app": {**app, "content": str(tmp_path)}}
    asked: list[str] = []

    def call(account: Account, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(action)
        return api(account, service, action, parameters)

    monkeypatch.setattr(Account, "call", call)
    monkeypatch.setattr("luodi.site.Cvm", lambda *_, **__: pytest.fail("was bought"))
    refusal(lambda: landed(CVM, site=site))
    assert bool(asked) == ("build" in site), "a build takes minutes: a wrong key is told before"


def test_nothing_is_bought_for_a_template_that_can_t_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "site.conf.j2").write_text("{{ nobody.knows }}")
    monkeypatch.setattr("tests.unit.test_components.TEMPLATES", tmp_path)
    monkeypatch.setattr(Account, "call", lambda *_: pytest.fail("was called"))
    assert "nginx/site.conf.j2, line 1: 'nobody' is undefined" in refusal(lambda: landed(CVM))
