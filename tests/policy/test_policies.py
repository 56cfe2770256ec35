"""Each policy by itself, on resources as the engine hands them over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import idna
import pytest
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    StackValidationArgs,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from policy import properties, stack
from policy.filing_numbers import numbers_well_formed
from policy.pack import policies
from policy.ports import remote_login_closed
from policy.production import server_image_kept, server_protected, site_stays_open
from policy.records import no_record_unfiled
from policy.servers import server_fit_for_filing, server_on_mainland

_NUMBER = "粤ICP备2026068982号-1"
_IDN = idna.encode("落地.中国").decode()
_UNKNOWN = UNKNOWN_STRING_VALUE
_ANYWHERE = "0.0.0.0/0"


@pytest.fixture(autouse=True)
def _no_stack_config() -> Iterator[None]:
    stack.hear({})
    yield
    stack.hear({})


class Reports:
    """What a policy reports; each of a resource that the engine can find."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, message: str, urn: str | None = None) -> None:
        assert urn is not None
        assert urn.startswith("urn:pulumi:")
        self.said.append(message)


def urn(kind: str, name: str, of: str = "staging") -> str:
    return f"urn:pulumi:{of}::shop::{kind}::{name}"


def options(*, protect: bool = False, ignore: tuple[str, ...] = ()) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, list(ignore), None, [], PolicyCustomTimeouts(0, 0, 0), [])


def provider(region: str | None) -> PolicyProviderResource:
    kind = "pulumi:providers:tencentcloud"
    set_up = unknown_checking_proxy({} if region is None else {"region": region})
    return PolicyProviderResource(kind, set_up, urn(kind, "default"), "default")


def judge(
    policy: Callable[[ResourceValidationArgs, ReportViolation], None],
    kind: str,
    props: Mapping[str, Any] | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    name: str = "thing",
    of: str = "staging",
    opts: PolicyResourceOptions | None = None,
    region: str | None = "ap-guangzhou",
) -> list[str]:
    """What a policy reports of one resource."""
    reports = Reports()
    args = ResourceValidationArgs(
        kind,
        unknown_checking_proxy(dict(props or {})),
        urn(kind, name, of),
        name,
        opts or options(),
        provider(region),
        config,
    )
    policy(args, reports)
    return reports.said


def resource(
    kind: str, name: str, props: Mapping[str, Any], region: str | None = "ap-guangzhou", **through: PolicyResource
) -> PolicyResource:
    """A resource of a stack; `through`, which other one each property is of."""
    dependencies = {key: [of] for key, of in through.items()}
    held = unknown_checking_proxy(dict(props))
    return PolicyResource(kind, held, urn(kind, name), name, options(), provider(region), None, [], dependencies)


def judge_stack(*resources: PolicyResource, config: Mapping[str, Any] | None = None) -> list[str]:
    reports = Reports()
    server_fit_for_filing(StackValidationArgs(list(resources), config), reports)
    return reports.said


# --- the pack ------------------------------------------------------------------------------------


def test_every_policy_says_its_source_and_has_a_level() -> None:
    for policy in policies():
        assert "Source: https://" in policy.description
        expected = EnforcementLevel.ADVISORY if policy.name.endswith("image-kept") else EnforcementLevel.MANDATORY
        assert policy.enforcement_level is expected
    assert len({policy.name for policy in policies()}) == len(policies())


def test_the_documentation_has_every_policy_and_every_key_of_its_config() -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
    for policy in policies():
        assert f"`{policy.name}`" in text
        if isinstance(policy.config_schema, PolicyConfigSchema):
            row = next(line for line in text.splitlines() if line.startswith(f"| `{policy.name}`"))
            assert all(f"`{key}`" in row for key in policy.config_schema.properties)


def test_the_types_are_those_of_the_provider() -> None:
    import tencentcloud_iac_pulumi as tencentcloud

    folder = Path(str(tencentcloud.__file__)).parent
    products = ("instance", "lighthouse", "eip", "dnspod", "security")
    written = "".join(path.read_text("utf-8") for product in products for path in (folder / product).glob("*.py"))
    for name, kind in vars(properties).items():
        if isinstance(kind, str) and kind.startswith("tencentcloud:"):
            assert f"'{kind}'" in written, name


# --- numbers -------------------------------------------------------------------------------------


def _numbers(filing: object) -> list[str]:
    stack.hear({"luodi:filing": json.dumps(filing)})
    return judge(numbers_well_formed, properties.STACK)


@pytest.mark.parametrize(
    "filing",
    [
        {},
        {"icp": {"number": _NUMBER}},
        {"icp": {"number": "粤ICP备2026068982号"}, "public-security": {"number": "粤公网安备44030002000001号"}},
        {"service": "app", "icp": {"number": "京ICP备05070602号-2A"}, "licence": "粤B2-20090059"},
        {"service": "mini-program", "icp": {"number": "京ICP备05070602号-3X"}, "domain": {"icp": {"number": _NUMBER}}},
    ],
)
def test_numbers_as_issued_pass(filing: object) -> None:
    assert _numbers(filing) == []


@pytest.mark.parametrize(
    ("filing", "path"),
    [
        ({"icp": {"number": "川ICP备2025146653号"}}, "icp.number"),
        ({"icp": {"number": "京ICP备05070602号-2A"}}, "icp.number"),
        ({"icp": {"number": "京ICP证030173号"}}, "icp.number"),
        ({"icp": {"number": 2026068982}}, "icp.number"),
        ({"public-security": {"number": "豫公网安备31010602002343号"}}, "public-security.number"),
        ({"licence": _NUMBER}, "licence"),
        ({"domain": {"icp": {"number": "京ICP备05070602号-3X"}}}, "domain.icp.number"),
    ],
)
def test_a_number_that_can_not_be_right_is_named_with_its_path(filing: object, path: str) -> None:
    (said,) = _numbers(filing)
    assert said.startswith(f"luodi:filing.{path}: ")


def test_a_filing_that_is_no_mapping_is_told() -> None:
    (said,) = _numbers("粤ICP备")
    assert said.startswith("luodi:filing: must be a mapping")


def test_numbers_are_judged_once() -> None:
    stack.hear({"luodi:filing": json.dumps({"icp": {"number": "wrong"}})})
    assert judge(numbers_well_formed, properties.RECORD) == []


# --- records -------------------------------------------------------------------------------------

_RECORD = {"domain": "example.cn", "subDomain": "www", "recordType": "A", "value": "203.0.113.7", "status": "ENABLE"}


def _record(config: Mapping[str, Any] | None = None, **changed: Any) -> list[str]:
    return judge(no_record_unfiled, properties.RECORD, {**_RECORD, **changed}, config=config)


@pytest.mark.parametrize("kind", ["A", "AAAA", "CNAME", "显性URL"])
def test_a_public_record_of_an_unfiled_domain_is_refused(kind: str) -> None:
    (said,) = _record(recordType=kind)
    assert said.startswith("thing would lead www.example.cn to 203.0.113.7")
    assert "filed: {example.cn: " in said


def test_the_status_a_record_has_by_default_is_enabled() -> None:
    props = {key: value for key, value in _RECORD.items() if key not in ("status", "subDomain")}
    (said,) = judge(no_record_unfiled, properties.RECORD, props)
    assert "would lead example.cn to" in said


@pytest.mark.parametrize(
    "changed",
    [
        {"recordType": "TXT"},
        {"recordType": "MX"},
        {"status": "DISABLE"},
        {"recordType": "CNAME", "subDomain": "_dnsauth"},
    ],
)
def test_a_record_that_leads_no_visitor_passes(changed: dict[str, Any]) -> None:
    assert _record(**changed) == []


@pytest.mark.parametrize("listed", ["example.cn", "EXAMPLE.cn", "www.example.cn"])
def test_a_filed_domain_passes_with_all_its_names(listed: str) -> None:
    assert _record({"filed": {listed: _NUMBER}}) == []
    assert _record({"filed": {listed: _NUMBER}}, subDomain="*") == []


def test_a_chinese_domain_is_the_same_in_both_forms() -> None:
    assert _record({"filed": {"落地.中国": _NUMBER}}, domain=_IDN) == []
    (said,) = _record(domain=_IDN)
    assert "would lead www.落地.中国 to" in said


def test_a_filing_of_another_domain_covers_nothing() -> None:
    assert len(_record({"filed": {"example.com.cn": _NUMBER}})) == 1


def test_a_domain_served_elsewhere_passes() -> None:
    assert _record({"elsewhere": ["example.cn"]}) == []


@pytest.mark.parametrize("number", ["川ICP备2025146653号", "京ICP备05070602号-3X", "", 7])
def test_a_number_in_the_config_that_can_not_be_right_files_nothing_and_is_told(number: object) -> None:
    config = {"filed": {"example.cn": number}}
    assert len(_record(config)) == 1
    (said,) = judge(no_record_unfiled, properties.STACK, config=config)
    assert said.startswith("filed, in the config of this policy: example.cn: ")


def _filing(filing: object, domain: str = "example.cn") -> None:
    stack.hear({"luodi:site": json.dumps({"domain": domain}), "luodi:filing": json.dumps(filing)})


def test_a_stacks_own_filing_files_its_domain() -> None:
    _filing({"icp": {"number": _NUMBER, "approved": "2026-11-18"}})
    assert _record() == []
    assert len(_record(domain="example.com.cn")) == 1


def test_a_stack_of_a_subdomain_stands_under_the_same_filing() -> None:
    _filing({"icp": {"number": _NUMBER, "approved": "2026-11-18"}}, domain="staging.example.cn")
    assert _record(subDomain="staging") == []


@pytest.mark.parametrize(
    ("filing", "why"),
    [
        ({}, "not published"),
        ({"type": "first", "submitted": "2026-11-03"}, "not published"),
        ({"icp": {"number": _NUMBER, "approved": "2026-01-18", "revoked": "2026-02-01"}}, "revoked"),
        (
            {"icp": {"number": "川ICP备2025146653号", "approved": "2026-11-18"}},
            "luodi:filing.icp.number: 川ICP备2025146653号",
        ),
        ({"icp": {"number": _NUMBER, "approved": "2098-01-01"}}, "luodi:filing.icp.approved"),
        ({"publish-without-filing": "the fair is tomorrow"}, "This pack takes no override"),
    ],
)
def test_a_stack_whose_filing_opens_nothing_publishes_nothing(filing: object, why: str) -> None:
    _filing(filing)
    (said,) = _record()
    assert why in said


def _several(**second: Any) -> None:
    stack.hear(
        {
            "luodi:site": json.dumps({"domain": "example.cn", "title": "a"}),
            "luodi:filing": json.dumps({"icp": {"number": _NUMBER, "approved": "2026-01-02"}}),
            "luodi:sites": json.dumps([{"site": {"domain": "example.com", "title": "b"}, **second}]),
        }
    )


def test_each_site_of_a_stack_stands_under_its_own_filing() -> None:
    _several()
    assert _record() == []
    (said,) = _record(domain="example.com")
    assert "there is no filing number" in said
    _several(filing={"icp": {"number": "粤ICP备2026068982号-2", "approved": "2026-01-02"}})
    assert _record(domain="example.com") == []
    _several(filing={"icp": {"number": "粤ICP备2026068982号-2", "approved": "2026-01-02", "revoked": "2025-01-02"}})
    (said,) = _record(domain="example.com")
    assert "luodi:sites[0].filing.icp.revoked: 2025-01-02 is before" in said


def test_the_numbers_of_each_site_are_judged() -> None:
    _several(filing={"icp": {"number": "川ICP备2025146653号"}})
    (said,) = judge(numbers_well_formed, properties.STACK)
    assert said.startswith("luodi:sites[0].filing.icp.number: 川ICP备2025146653号")


def test_a_record_whose_domain_only_the_update_knows_is_left_to_the_update() -> None:
    with pytest.raises(UnknownValueError):
        _record(domain=_UNKNOWN)


# --- servers -------------------------------------------------------------------------------------

_CVM = {
    "availabilityZone": "ap-guangzhou-6",
    "instanceChargeType": "PREPAID",
    "instanceChargeTypePrepaidPeriod": 3.0,
    "allocatePublicIp": True,
    "internetMaxBandwidthOut": 5.0,
    "publicIp": _UNKNOWN,
}


def _carried(config: Mapping[str, Any] | None = None, subdomain: str = "@", **changed: Any) -> list[str]:
    """What is said of a CVM instance that a record leads to."""
    server = resource(properties.CVM, "web", {**_CVM, **changed})
    props = {**_RECORD, "subDomain": subdomain, "value": _UNKNOWN}
    return judge_stack(server, resource(properties.RECORD, "apex", props, value=server), config=config)


def test_a_server_fit_for_a_filing_passes() -> None:
    assert _carried() == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"availabilityZone": "ap-hongkong-2"}, "ap-hongkong, Hong Kong (中国香港), is not on the mainland"),
        ({"availabilityZone": "na-siliconvalley-1"}, "na-siliconvalley is not on the mainland"),
        ({"instanceChargeType": "POSTPAID_BY_HOUR"}, "instanceChargeType: POSTPAID_BY_HOUR"),
        ({"instanceChargeType": _UNKNOWN}, "instanceChargeType: POSTPAID_BY_HOUR"),
        ({"instanceChargeTypePrepaidPeriod": 1.0}, "instanceChargeTypePrepaidPeriod: 1 month"),
        ({"instanceChargeTypePrepaidPeriod": None}, "instanceChargeTypePrepaidPeriod: 1 month"),
        ({"allocatePublicIp": False}, "internetMaxBandwidthOut: no public address or no bandwidth"),
        ({"internetMaxBandwidthOut": 0.0}, "internetMaxBandwidthOut: no public address or no bandwidth"),
    ],
)
def test_a_server_unfit_for_a_filing_is_refused(changed: dict[str, Any], why: str) -> None:
    (said,) = _carried(**changed)
    assert said.startswith("web, a CVM instance (云服务器) that carries example.cn: ")
    assert why in said


def test_a_subdomain_needs_no_prepaid_server_but_the_mainland() -> None:
    assert _carried(subdomain="staging", instanceChargeType="POSTPAID_BY_HOUR") == []
    assert len(_carried(subdomain="staging", availabilityZone="ap-tokyo-1")) == 1


def test_a_server_that_nothing_leads_to_is_not_asked() -> None:
    assert judge_stack(resource(properties.CVM, "database", {"availabilityZone": "ap-tokyo-1"})) == []


def test_the_config_can_name_what_a_server_carries() -> None:
    server = resource(properties.CVM, "web-1", {**_CVM, "instanceChargeTypePrepaidPeriod": 1.0})
    assert len(judge_stack(server, config={"carries": {"web-*": "example.cn"}})) == 1
    assert judge_stack(server, config={"carries": {"api-*": "example.cn"}}) == []


def test_a_domain_served_elsewhere_asks_nothing_of_its_server() -> None:
    assert _carried({"elsewhere": ["example.cn"]}, availabilityZone="ap-tokyo-1") == []


@pytest.mark.parametrize("through", ["elastic IP", "association", "address"])
def test_a_server_is_found_behind_its_elastic_ip(through: str) -> None:
    server = resource(properties.CVM, "web", {**_CVM, "allocatePublicIp": False, "instanceChargeTypePrepaidPeriod": 1})
    address = {"internetMaxBandwidthOut": 5.0, "publicIp": "203.0.113.7"}
    elastic = resource(properties.ELASTIC_IP, "eip", address)
    bound = resource(properties.ELASTIC_IP_ASSOCIATION, "bound", {}, eipId=elastic, instanceId=server)
    leads: dict[str, dict[str, Any]] = {
        "elastic IP": {"value": elastic},
        "association": {"value": bound},
        "address": {},
    }
    record = resource(properties.RECORD, "apex", {**_RECORD, "subDomain": "@"}, **leads[through])
    (said,) = judge_stack(server, elastic, bound, record)
    assert "instanceChargeTypePrepaidPeriod: 1 month" in said


def _lighthouse(period: int, zone: str | None, region: str | None) -> list[str]:
    addresses = {"publicAddresses": ["203.0.113.7"], "period": period}
    server = resource(properties.LIGHTHOUSE, "web", {**addresses, "zone": zone}, region)
    return judge_stack(server, resource(properties.RECORD, "apex", {**_RECORD, "subDomain": "@"}))


def test_a_lighthouse_instance_is_judged_by_period_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENCENTCLOUD_REGION", raising=False)
    assert _lighthouse(3, "ap-shanghai-2", "ap-hongkong") == []
    assert _lighthouse(3, None, None) == []
    assert "period: 1 month" in _lighthouse(1, None, "ap-beijing")[0]
    assert "ap-hongkong" in _lighthouse(12, None, "ap-hongkong")[0]
    monkeypatch.setenv("TENCENTCLOUD_REGION", "ap-tokyo")
    assert "ap-tokyo" in _lighthouse(12, None, None)[0]


def test_a_server_off_the_mainland_is_refused_wherever_records_lead() -> None:
    (said,) = judge(server_on_mainland, properties.CVM, {"availabilityZone": "ap-hongkong-2"}, name="far")
    assert said.startswith("far, a CVM instance (云服务器): ap-hongkong, Hong Kong (中国香港), is not on the mainland")
    assert judge(server_on_mainland, properties.CVM, {"availabilityZone": "ap-shanghai-fsi-1"}) == []
    assert judge(server_on_mainland, properties.LIGHTHOUSE, {"zone": _UNKNOWN}, region="ap-nanjing") == []
    assert len(judge(server_on_mainland, properties.LIGHTHOUSE, region="eu-frankfurt")) == 1
    assert judge(server_on_mainland, properties.RECORD, region="eu-frankfurt") == []


def test_the_config_can_let_a_server_stand_elsewhere_and_add_a_region() -> None:
    tokyo, shenzhen = {"availabilityZone": "ap-tokyo-1"}, {"availabilityZone": "ap-shenzhen-1"}
    config = {"elsewhere": ["proxy-*"], "regions": ["ap-shenzhen"]}
    assert judge(server_on_mainland, properties.CVM, tokyo, name="proxy-1", config=config) == []
    assert len(judge(server_on_mainland, properties.CVM, tokyo, name="web", config=config)) == 1
    assert judge(server_on_mainland, properties.CVM, shenzhen, config=config) == []
    assert len(judge(server_on_mainland, properties.CVM, shenzhen)) == 1


# --- ports ---------------------------------------------------------------------------------------


def _rule(source: str = _ANYWHERE, port: str = "22", protocol: str = "TCP", action: str = "ACCEPT") -> dict[str, str]:
    return {"action": action, "cidrBlock": source, "protocol": protocol, "port": port}


def _rules(*rules: dict[str, Any], config: Mapping[str, Any] | None = None) -> list[str]:
    return judge(remote_login_closed, properties.RULE_SET, {"ingresses": list(rules)}, config=config)


@pytest.mark.parametrize(
    "rule",
    [
        _rule(),
        _rule(port="1-1024"),
        _rule(port="80,22"),
        _rule(protocol="ALL", port="22"),
        _rule(source="0.0.0.0/1"),
        {"action": "accept", "ipv6CidrBlock": "::/0", "protocol": "tcp", "port": "22"},
        {"action": "ACCEPT", "cidrBlock": _ANYWHERE, "protocol": "TCP"},
        {**_rule(source="10.0.0.0/8", port="3389"), "cidrBlock": _ANYWHERE},
    ],
)
def test_a_rule_that_opens_remote_login_to_the_world_is_refused(rule: dict[str, Any]) -> None:
    said = _rules(rule)
    assert said
    assert all("to the world" in one for one in said)


def test_all_ports_are_both_ports() -> None:
    assert [one.split(" to the")[0] for one in _rules(_rule(port="ALL", protocol="ALL"))] == [
        "thing opens 22 (SSH)",
        "thing opens 3389 (RDP (远程桌面))",
    ]


@pytest.mark.parametrize(
    "rule",
    [
        _rule(port="443"),
        _rule(source="203.0.113.7/32"),
        _rule(source="203.0.113.7"),
        _rule(source="10.0.0.0/9"),
        _rule(action="DROP"),
        _rule(protocol="ICMP", port="ALL"),
        {"action": "ACCEPT", "sourceSecurityId": "sg-1", "protocol": "TCP", "port": "22"},
        {"action": "ACCEPT", "cidrBlock": _ANYWHERE, "serviceTemplateId": "ppm-1"},
    ],
)
def test_a_rule_that_does_not_passes(rule: dict[str, Any]) -> None:
    assert _rules(rule) == []


def test_the_first_rule_that_fits_decides() -> None:
    assert _rules(_rule(action="DROP"), _rule(port="1-1024")) == []
    assert _rules(_rule(action="DROP", protocol="ALL", port="ALL"), _rule()) == []
    assert len(_rules(_rule(), _rule(action="DROP"))) == 1
    assert len(_rules(_rule(action="DROP", protocol="UDP"), _rule())) == 1
    assert len(_rules(_rule(action="DROP", source="10.0.0.0/8"), _rule())) == 1


def test_the_ports_are_configured() -> None:
    assert len(_rules(_rule(port="6379"), config={"ports": [6379.0]})) == 1
    assert _rules(_rule(), config={"ports": [6379.0]}) == []


def test_what_is_known_is_judged_before_what_is_not() -> None:
    reports = Reports()
    props = unknown_checking_proxy({"ingresses": [_rule(source=_UNKNOWN), _rule()]})
    kind = properties.RULE_SET
    args = ResourceValidationArgs(kind, props, urn(kind, "rules"), "rules", options(), None)
    with pytest.raises(UnknownValueError):
        remote_login_closed(args, reports)
    assert len(reports.said) == 1


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (properties.RULE, {"type": "ingress", "policy": "accept", "cidrIp": _ANYWHERE, "ipProtocol": "tcp"}),
        (properties.RULE, {"type": "ingress", "policy": "accept", "cidrIp": _ANYWHERE, "portRange": "22,80"}),
        (properties.LITE_RULES, {"ingresses": ["ACCEPT#0.0.0.0/0#22#TCP"]}),
        (properties.LITE_RULES, {"ingresses": ["DROP#0.0.0.0/0#80#TCP", "ACCEPT#0.0.0.0/0#ALL#ALL"]}),
        (properties.FIREWALL_RULES, {"firewallRules": [{"protocol": "TCP", "port": "22"}]}),
        (properties.FIREWALL_RULES, {"firewallRules": [_rule(port="3389")]}),
        (properties.FIREWALL_TEMPLATE, {"templateRules": [_rule(source="0.0.0.0")]}),
        (properties.LIGHTHOUSE, {"bundleId": "bundle_starter_mc_promo_med2_01"}),
    ],
)
def test_every_way_to_open_a_port_is_seen(kind: str, props: dict[str, Any]) -> None:
    assert judge(remote_login_closed, kind, props)


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (properties.RULE, {"type": "egress", "policy": "accept", "cidrIp": _ANYWHERE, "portRange": "22"}),
        (properties.RULE, {"type": "ingress", "policy": "drop", "cidrIp": _ANYWHERE, "portRange": "22"}),
        (properties.LITE_RULES, {"ingresses": ["ACCEPT#10.0.0.0/16#22#TCP", "ACCEPT#0.0.0.0/0#443#TCP"]}),
        (properties.FIREWALL_RULES, {"firewallRules": [_rule(port="443"), _rule(source="203.0.113.7")]}),
        (properties.FIREWALL_TEMPLATE, {"templateName": "closed"}),
        (properties.LIGHTHOUSE, {"firewallTemplateId": _UNKNOWN}),
        (properties.CVM, {}),
    ],
)
def test_and_what_opens_none_passes(kind: str, props: dict[str, Any]) -> None:
    assert judge(remote_login_closed, kind, props) == []


# --- production ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [properties.CVM, properties.LIGHTHOUSE])
@pytest.mark.parametrize("of", ["production", "prod", "shop-prod"])
def test_an_unprotected_server_of_production_is_refused(kind: str, of: str) -> None:
    (said,) = judge(server_protected, kind, name="web", of=of)
    assert said.startswith("web, a ")
    assert f"of stack {of}, is not protected" in said
    assert judge(server_protected, kind, of=of, opts=options(protect=True)) == []


def test_what_production_is_called_is_configured() -> None:
    assert judge(server_protected, properties.CVM, of="staging") == []
    assert len(judge(server_protected, properties.CVM, of="live-1", config={"stacks": ["live-*"]})) == 1
    assert judge(server_protected, properties.CVM, of="production", config={"stacks": ["live-*"]}) == []
    assert judge(server_protected, properties.RECORD, of="production") == []


_CLOSING = {"names": ["example.cn"], "public": False, "stage": "preparing", "reason": "there is no filing number"}


def test_a_site_of_production_is_not_closed_by_the_way() -> None:
    (said,) = judge(
        site_stays_open, properties.GATE, {**_CLOSING, "closes": ["example.cn", "www.example.cn"]}, of="prod"
    )
    assert said.startswith("example.cn, www.example.cn: open to the public at the last update of stack prod")
    assert "there is no filing number" in said


@pytest.mark.parametrize(
    ("changed", "of"),
    [
        ({"closes": []}, "prod"),
        ({"closes": ["example.cn"], "stage": "revoked"}, "prod"),
        ({"closes": ["example.cn"], "stage": "cancelled"}, "prod"),
        ({"closes": ["example.cn"]}, "staging"),
    ],
)
def test_a_site_may_close_for_a_reason_and_elsewhere(changed: dict[str, Any], of: str) -> None:
    assert judge(site_stays_open, properties.GATE, {**_CLOSING, **changed}, of=of) == []


def test_a_server_of_production_keeps_its_image() -> None:
    for kind, image in ((properties.CVM, "imageId"), (properties.LIGHTHOUSE, "blueprintId")):
        (said,) = judge(server_image_kept, kind, of="production", opts=options(protect=True))
        assert f"follows {image}" in said
        assert judge(server_image_kept, kind, of="production", opts=options(ignore=(image,))) == []
        assert judge(server_image_kept, kind, of="staging") == []
