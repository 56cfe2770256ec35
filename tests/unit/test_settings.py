"""What a stack file may say, and the words for what it may not."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from luodi import reference
from luodi.problems import SettingsError
from luodi.settings import CvmSettings, LighthouseSettings, Settings, Surroundings, host_name, registrable

REPOSITORY = Path(__file__).parents[2]
STACKS = sorted((REPOSITORY / "stacks").glob("Pulumi.*.yaml"))

GOOD: Mapping[str, Any] = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site": {"domain": "example.cn", "title": "示例"},
    "luodi:server": {"kind": "cvm"},
}
LIGHTHOUSE: Mapping[str, Any] = {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"}
PERIODS = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 24, 36, 48, 60"
MAINLAND = "a filing (ICP 备案) needs a server on the mainland"
TOO_SHORT = "a filing needs a server prepaid for at least 3 (腾讯云备案: 包年包月 3 个月及以上). Set 3 or more"
REGIONS = (
    "ap-guangzhou, ap-shanghai, ap-beijing, ap-nanjing, ap-chengdu, ap-chongqing, ap-shanghai-fsi, "
    "ap-shenzhen-fsi, ap-beijing-fsi"
)


def changed(path: str, value: Any) -> dict[str, Any]:
    """A good stack with one value changed: the path as messages have it, list indices left out.

    What a section that isn't there can't do without comes with it.
    """
    values = copy.deepcopy(dict(GOOD))
    key, *inner = path.split(".")
    if not inner:
        return values | {key: value}
    place = values.setdefault(key, {})
    for part in inner[:-1]:
        place = place.setdefault(part, {"approved": "2025-09-12"} if part == "icp" else {})
    place[inner[-1]] = value
    return values


def refusal(values: Mapping[str, Any]) -> list[str]:
    """Each problem, as it is told."""
    with pytest.raises(SettingsError) as caught:
        Settings.parse(values, source="stack")
    first, *problems = str(caught.value).splitlines()
    assert first == f"stack: {'1 setting' if len(problems) == 1 else f'{len(problems)} settings'} can't be right"
    assert all(problem.startswith("  ") for problem in problems)
    return [problem.removeprefix("  ") for problem in problems]


# --- what is right -----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", STACKS, ids=lambda file: file.name)
def test_shipped_stacks_are_right(file: Path) -> None:
    Settings.parse(yaml.safe_load(file.read_text("utf-8"))["config"])


def test_three_stacks_are_shipped() -> None:
    assert [file.name for file in STACKS] == [
        "Pulumi.local.yaml",
        "Pulumi.production.yaml",
        "Pulumi.staging.yaml",
    ]


def test_the_reference_is_up_to_date() -> None:
    page = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
    assert page == reference.page(), "run: python -m luodi.reference > docs/settings.md"


def test_the_least_that_a_stack_can_say() -> None:
    settings = Settings.parse(GOOD)
    assert isinstance(settings.server, CvmSettings)
    assert settings.server.charge_type == "PREPAID"
    assert settings.server.period == 12
    assert settings.main.names == ("example.cn", "www.example.cn")
    assert settings.main.zone == "example.cn"
    assert settings.availability_zone == "ap-guangzhou-6"
    assert settings.main.dns.manage == "adopt"
    assert settings.certificate.authorities("production") == ("letsencrypt",)
    assert settings.main.filing.icp is None


def test_everything_that_a_stack_can_say() -> None:
    settings = Settings.parse(
        {
            "tencentcloud:region": "ap-shanghai",
            "tencentcloud:secretId": "AKID",
            "other:thing": {"not": "luodi's"},
            "luodi:acme-account-key": "-----BEGIN PRIVATE KEY-----",
            "luodi:site": {
                "domain": "Shop.Example.com.cn.",
                "title": " 示例\u3000科技 ",
                "kind": "static",
                "names": ["api.example.com.cn", "商店.example.com.cn", "shop.example.com.cn"],
                "content": "./public",
            },
            "luodi:server": {
                **LIGHTHOUSE,
                "zone": "ap-shanghai-2",
                "period": 60,
                "renew-flag": "NOTIFY_AND_MANUAL_RENEW",
                "ingress": [
                    {"port": "22,8000-8010", "source": "203.0.113.7", "protocol": "TCP", "description": "运维"}
                ],
                "protect": True,
                "blueprint": "lhbp-abc",
            },
            "luodi:dns": {"zone": "example.com.cn", "manage": "create", "ttl": 60},
            "luodi:certificate": {
                "authority": "https://acme.example/directory",
                "email": "ops@example.cn",
                "propagation-timeout": 30,
            },
            "luodi:filing": {
                "subject": {"name": "示例科技有限公司"},
                "icp": {"number": "沪ICP备2024000123号-1", "approved": "2024-05-06"},
                "public-security": {"number": "沪公网安备31010102000001号", "approved": "2024-06-03"},
            },
        }
    )
    assert isinstance(settings.server, LighthouseSettings)
    assert settings.region.id == "ap-shanghai"
    assert settings.main.site.title == "示例\u3000科技"
    assert settings.main.names == ("shop.example.com.cn", "api.example.com.cn", "xn--czrs0t.example.com.cn")
    assert settings.main.zone == "example.com.cn"
    assert settings.availability_zone == "ap-shanghai-2"
    assert settings.server.ingress[0].source == "203.0.113.7/32"
    assert str(settings.main.filing.icp and settings.main.filing.icp.number) == "沪ICP备2024000123号-1"


def test_null_is_the_default_where_there_is_one() -> None:
    settings = Settings.parse(changed("luodi:site.names", None))
    assert settings.main.names == ("example.cn", "www.example.cn")


@pytest.mark.parametrize(
    ("given", "resolvers"),
    [
        ("119.29.29.29", ("119.29.29.29",)),
        (["119.29.29.29", "2402:4E00::"], ("119.29.29.29", "2402:4e00::")),
    ],
)
def test_one_resolver_or_several(given: str | list[str], resolvers: tuple[str, ...]) -> None:
    settings = Settings.parse(changed("luodi:certificate.dns-resolver", given))
    assert settings.certificate.dns_resolver == resolvers


@pytest.mark.parametrize(
    ("domain", "names", "zone"),
    [
        ("example.cn", ("example.cn", "www.example.cn"), "example.cn"),
        ("www.example.cn", ("www.example.cn",), "example.cn"),
        ("example.com.cn", ("example.com.cn", "www.example.com.cn"), "example.com.cn"),
        ("a.b.example.gov.cn", ("a.b.example.gov.cn",), "example.gov.cn"),
        ("例子.中国", ("xn--fsqu00a.xn--fiqs8s", "www.xn--fsqu00a.xn--fiqs8s"), "xn--fsqu00a.xn--fiqs8s"),
        ("例子。中国", ("xn--fsqu00a.xn--fiqs8s", "www.xn--fsqu00a.xn--fiqs8s"), "xn--fsqu00a.xn--fiqs8s"),
        ("ＥＸＡＭＰＬＥ.cn", ("example.cn", "www.example.cn"), "example.cn"),
        ("example.公司.cn", ("example.xn--55qx5d.cn", "www.example.xn--55qx5d.cn"), "example.xn--55qx5d.cn"),
    ],
)
def test_names_and_zone_follow_from_the_domain(domain: str, names: tuple[str, ...], zone: str) -> None:
    settings = Settings.parse(changed("luodi:site.domain", domain))
    assert settings.main.names == names
    assert settings.main.zone == zone


@pytest.mark.parametrize(
    ("domain", "server"),
    [
        ("staging.example.cn", {"kind": "cvm", "charge-type": "POSTPAID_BY_HOUR"}),
        ("staging.example.cn", {"kind": "cvm", "period": 1}),
        ("staging.example.cn", {**LIGHTHOUSE, "period": 1}),
        ("example.cn", {"kind": "cvm", "period": 3}),
        ("example.cn", {**LIGHTHOUSE, "period": 3}),
    ],
)
def test_only_a_server_that_carries_a_filing_must_be_prepaid_for_three_months(
    domain: str, server: dict[str, Any]
) -> None:
    values = changed("luodi:site.domain", domain) | {"luodi:server": server}
    assert Settings.parse(values).main.site.domain == domain


# --- what is wrong: the whole message, with its path -------------------------------------------------

BAD: list[tuple[str, Any, str]] = [
    # the domain
    ("luodi:site.domain", "", "is empty; write a host name, such as example.cn"),
    ("luodi:site.domain", " . ", "is empty; write a host name, such as example.cn"),
    *(
        ("luodi:site.domain", text, f"{text} is an IP address; a filing (ICP 备案) is for a domain, such as example.cn")
        for text in ("203.0.113.7", "2001:db8::1", "[2001:db8::1]")
    ),
    ("luodi:site.domain", "１２７.０.０.１", "１２７.０.０.１ is no host name: no suffix begins with a digit"),
    ("luodi:site.domain", "127.1", "127.1 is no host name: no suffix begins with a digit"),
    ("luodi:site.domain", "my_site.cn", "my_site.cn has an underscore, which a host name can't have (RFC 1123)"),
    ("luodi:site.domain", "*.example.cn", "*.example.cn is a wildcard; name each host, such as www.example.cn"),
    (
        "luodi:site.domain",
        "https://example.cn",
        "https://example.cn is an address; write the host name alone, such as example.cn",
    ),
    (
        "luodi:site.domain",
        "example.cn/shop",
        "example.cn/shop is an address; write the host name alone, such as example.cn",
    ),
    (
        "luodi:site.domain",
        "example.cn:8443",
        "example.cn:8443 is no host name: Codepoint U+003A at position 3 of 'cn:8443' not allowed",
    ),
    ("luodi:site.domain", "localhost", "localhost has no suffix; write it whole, such as example.cn"),
    ("luodi:site.domain", "cn", "cn has no suffix; write it whole, such as example.cn"),
    ("luodi:site.domain", "com.cn", "com.cn is a public suffix; write the domain that was bought"),
    ("luodi:site.domain", "公司.cn", "xn--55qx5d.cn is a public suffix; write the domain that was bought"),
    ("luodi:site.domain", "a..cn", "a..cn is no host name: Empty Label"),
    ("luodi:site.domain", "-a.cn", "-a.cn is no host name: Label must not start or end with a hyphen"),
    ("luodi:site.domain", f"{'a' * 64}.cn", f"{'a' * 64}.cn is no host name: Label too long"),
    ("luodi:site.domain", f"{'a.' * 130}cn", f"{'a.' * 130}cn is no host name: Domain too long"),
    # strict types
    ("luodi:site.domain", 5, "must be text, got 5; put it in quotes"),
    ("luodi:site.domain", True, "must be text, got True; put it in quotes"),
    ("luodi:site.domain", None, "is empty; give it a value, or leave it out"),
    ("luodi:site.domain", ["example.cn"], "must be text, got ['example.cn']"),
    ("luodi:site.title", 2026, "must be text, got 2026; put it in quotes"),
    ("luodi:site.title", " ", "is empty"),
    ("luodi:site.title", "a\nb", r"'a\nb' has a control character or a line break"),
    ("luodi:site.title", "a\u2028b", r"'a\u2028b' has a control character or a line break"),
    ("luodi:site.kind", "wordpress", "must be one of static, spa, proxy, mini-program, php; got wordpress"),
    ("luodi:delivery.by", "ftp", "must be one of auto, tat, cos; got ftp"),
    ("luodi:delivery.keep", 1, "must be 2 or more, got 1"),
    ("luodi:site.content", "", "is empty"),
    ("luodi:site.content", "a\0b", r"'a\x00b' has a control character or a line break"),
    ("luodi:site", "example.cn", "must be a mapping of settings, got 'example.cn'"),
    ("luodi:site", ["x" * 200], f"must be a mapping of settings, got {str(['x' * 200])[:77]}..."),
    ("luodi:filing", None, "is empty; give it a value, or leave it out"),
    # further names
    ("luodi:site.names", [], "is empty; name a host, or leave it out for the domain and its www"),
    ("luodi:site.names", "www.example.cn", "must be a list, got 'www.example.cn'"),
    (
        "luodi:site.names",
        [f"a{number}.example.cn" for number in range(100)],
        "101 names with the domain's; a certificate holds 100 at most",
    ),
    # keys
    ("luodi:sit", {}, "is not a setting; did you mean site?"),
    (
        "luodi:region",
        "ap-guangzhou",
        (
            "is not a setting; known are acme-account-key, app-secrets, certificate, certificate-key, delivery, dns, "
            "eab-hmac-key, filing, nginx, server, site, sites"
        ),
    ),
    ("luodi:site.tittle", "x", "is not a setting; did you mean title?"),
    ("luodi:dns.zzz", "x", "is not a setting; known are adopt, manage, ttl, zone"),
    ("luodi:certificate.propagation_timeout", 9, "is not a setting; did you mean propagation-timeout?"),
    ("luodi:server.disk.sise", 50, "is not a setting; did you mean size?"),
    ("luodi:server.bundle", "bundle_x", "is a setting of kind lighthouse, not cvm"),
    # the server
    ("luodi:server.kind", "vps", "must be one of cvm, lighthouse; got vps"),
    ("luodi:server.kind", 5, "must be one of cvm, lighthouse; got 5"),
    ("luodi:server.period", 5.0, "must be a whole number, got 5.0"),
    ("luodi:server.period", "12", "must be a whole number, got '12'"),
    ("luodi:server.period", True, "must be a whole number, got True"),
    ("luodi:server.period", 13, f"must be one of {PERIODS}; got 13"),
    (
        "luodi:server.period",
        1,
        f"1 month; {TOO_SHORT}",
    ),
    (
        "luodi:server.period",
        2,
        f"2 months; {TOO_SHORT}",
    ),
    ("luodi:server.charge-type", "SPOTPAID", "must be one of PREPAID, POSTPAID_BY_HOUR; got SPOTPAID"),
    (
        "luodi:server.charge-type",
        "POSTPAID_BY_HOUR",
        (
            "POSTPAID_BY_HOUR; example.cn is filed with its server, and a filing needs a prepaid one (包年包月) of 3 "
            "months or more. Set PREPAID, or serve a subdomain from this stack"
        ),
    ),
    (
        "luodi:server.renew-flag",
        "never",
        "must be one of NOTIFY_AND_AUTO_RENEW, NOTIFY_AND_MANUAL_RENEW, DISABLE_NOTIFY_AND_MANUAL_RENEW; got never",
    ),
    ("luodi:server.protect", "yes", "must be true or false, got 'yes'"),
    ("luodi:server.protect", 1, "must be true or false, got 1"),
    (
        "luodi:server.zone",
        "ap-beijing-1",
        "ap-beijing-1 is not in tencentcloud:region ap-guangzhou; write ap-guangzhou-N, or leave it out",
    ),
    ("luodi:server.zone", "", "is empty"),
    ("luodi:server.instance-type", "s5.large", "s5.large is no instance type (机型规格), such as S5.MEDIUM2"),
    ("luodi:server.instance-type", "S5.LARGE8\n", "S5.LARGE8\n is no instance type (机型规格), such as S5.MEDIUM2"),
    ("luodi:server.image", "", "is empty"),
    ("luodi:server.disk.size", 10, "must be 20 or more, got 10"),
    ("luodi:server.disk.size", 4096, "must be 2048 or less, got 4096"),
    (
        "luodi:server.disk.type",
        "LOCAL_BASIC",
        "must be one of CLOUD_PREMIUM, CLOUD_BSSD, CLOUD_SSD, CLOUD_HSSD, CLOUD_TSSD; got LOCAL_BASIC",
    ),
    ("luodi:server.bandwidth.mbps", 0, "must be 1 or more, got 0"),
    (
        "luodi:server.network",
        "10.8.0.1/16",
        "10.8.0.1/16 has host bits set; write an IPv4 CIDR block such as 10.8.0.0/16",
    ),
    (
        "luodi:server.network",
        "fd00::/8",
        "Expected 4 octets in 'fd00::'; write an IPv4 CIDR block such as 10.8.0.0/16",
    ),
    ("luodi:server.subnet", "10.9.1.0/24", "10.9.1.0/24 is not inside the network 10.8.0.0/16"),
    ("luodi:server.ingress", {"port": "22"}, "must be a list, got {'port': '22'}"),
    # the zone
    ("luodi:dns.zone", "com.cn", "com.cn is a public suffix; write the domain that was bought"),
    ("luodi:dns.manage", "take", "must be one of adopt, create; got take"),
    ("luodi:dns.ttl", 0, "must be 1 or more, got 0"),
    ("luodi:dns.ttl", "600", "must be a whole number, got '600'"),
    ("luodi:dns.adopt", 7, "must be a mapping of settings, got 7"),
    # the certificate
    (
        "luodi:certificate.authority",
        "lets-encrypt",
        (
            "lets-encrypt is no authority; known are letsencrypt, letsencrypt-staging, zerossl, google, "
            "google-staging, litessl, or write a directory's https:// address"
        ),
    ),
    (
        "luodi:certificate.authority",
        ["letsencrypt", "http://acme.example/"],
        "http://acme.example/ is no ACME directory's address; it begins with https://",
    ),
    (
        "luodi:certificate.authority",
        "buypass",
        (
            "Buypass issues no certificates since 31 October 2025 (https://github.com/acmesh-official/acme.sh/issues/6480);"
            " choose one of letsencrypt, letsencrypt-staging, zerossl, google, google-staging, litessl"
        ),
    ),
    ("luodi:certificate.authority", [], "must be an authority, or a list of them"),
    ("luodi:certificate.dns-resolver", "dns.pub", "dns.pub is no IP address, such as 119.29.29.29"),
    ("luodi:certificate.dns-resolver", [], "must be an IP address, or a list of them"),
    ("luodi:certificate.dns-resolver", 1_192_929, "must be an IP address, or a list of them"),
    ("luodi:certificate.files", {"chain": "a.pem", "key": "a.key"}, "is for source: files; the source is acme"),
    (
        "luodi:certificate.profile",
        "short",
        "Let's Encrypt has no profile short; known are classic, tlsserver, shortlived",
    ),
    ("luodi:certificate.email", "ops", "ops is no e-mail address, such as ops@example.cn"),
    ("luodi:certificate.propagation-timeout", 3601, "must be 3600 or less, got 3601"),
    # the filing
    (
        "luodi:filing.icp",
        "粤ICP备2026068982号-1",
        "must be a mapping of settings, got '粤ICP备2026068982号-1'",
    ),
    ("luodi:filing.icp.number", 2026068982, "must be text, got 2026068982; put it in quotes"),
    (
        "luodi:filing.icp.number",
        "川ICP备2025146653号",
        "川ICP备2025146653号: Sichuan's filings begin with 蜀. Did you mean 蜀ICP备2025146653号?",
    ),
    (
        "luodi:filing.icp.number",
        "粤ICP备2026068982号-1A",
        (
            "粤ICP备2026068982号-1A: -1A is the number of an APP; that of a website (网站) has no letter after its "
            "serial. Both are listed under the subject at https://beian.miit.gov.cn/."
        ),
    ),
    ("luodi:filing.subject.name", "a\x7f", r"'a\x7f' has a control character or a line break"),
    # the region
    ("tencentcloud:region", "", "is not set"),
    ("tencentcloud:region", None, "is not set"),
    (
        "tencentcloud:region",
        "ap-hongkong",
        f"ap-hongkong, Hong Kong (中国香港), is not on the mainland, and {MAINLAND}. Set one of {REGIONS}",
    ),
    (
        "tencentcloud:region",
        "na-ashburn",
        f"na-ashburn is not on the mainland, and {MAINLAND}. Set one of {REGIONS}",
    ),
    (
        "tencentcloud:region",
        "ap-guangzou",
        f"ap-guangzou is no mainland region known here, and {MAINLAND}. Did you mean ap-guangzhou? Known: {REGIONS}",
    ),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=lambda value: str(value)[:30])
def test_one_bad_value(path: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse(changed(path, value), source="stack")
    assert str(caught.value) == f"stack: 1 setting can't be right\n  {path}: {message}"


def test_an_item_of_a_list_is_named_by_its_place() -> None:
    assert refusal(changed("luodi:site.names", ["www.example.cn", "www.other.cn"])) == [
        "luodi:site.names[1]: www.other.cn is not in the zone example.cn (luodi:dns.zone)"
    ]
    assert refusal(changed("luodi:site.names", ["www.example.cn", 5])) == [
        "luodi:site.names[1]: must be text, got 5; put it in quotes"
    ]
    assert refusal(changed("luodi:server.ingress", ["22"])) == [
        "luodi:server.ingress[0]: must be a mapping of settings, got '22'"
    ]


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        ({}, ["port: is not set", "source: is not set"]),
        (
            {"port": "22-20", "source": "0.0.0.0/0", "protocol": "ICMP"},
            ["port: 22-20 runs backwards; write 20-22", "protocol: must be one of TCP, UDP; got ICMP"],
        ),
        (
            {"port": "65536", "source": "anywhere"},
            [
                "port: 65536 is no port; write 22, 8000-8010 or 22,2222",
                "source: Expected 4 octets in 'anywhere'; write an IPv4 CIDR block such as 10.8.0.0/16",
            ],
        ),
        ({"port": "", "source": "0.0.0.0/0"}, ["port:  is no port; write 22, 8000-8010 or 22,2222"]),
        ({"port": "22,", "source": "0.0.0.0/0"}, ["port: 22, is no port; write 22, 8000-8010 or 22,2222"]),
        ({"port": "²²", "source": "0.0.0.0/0"}, ["port: ²² is no port; write 22, 8000-8010 or 22,2222"]),
        ({"port": 22, "source": "0.0.0.0/0"}, ["port: must be text, got 22; put it in quotes"]),
        (
            {"port": "22", "source": "0.0.0.0/0", "sorce": "x"},
            ["sorce: is not a setting; did you mean source?"],
        ),
    ],
)
def test_a_bad_rule(rule: dict[str, Any], problems: list[str]) -> None:
    assert refusal(changed("luodi:server.ingress", [rule])) == [
        f"luodi:server.ingress[0].{problem}" for problem in problems
    ]


@pytest.mark.parametrize(
    ("adopt", "problems"),
    [
        ({"example.cn": "7"}, ["example.cn: must be a whole number, got '7'"]),
        ({"example.cn": True}, ["example.cn: must be a whole number, got True"]),
        ({"example.cn": 0}, ["example.cn: must be 1 or more, got 0"]),
        ({"@": 7}, ["@: @ is what DNSPod's console calls the domain itself; write it whole, such as example.cn"]),
        ({"www": 7}, ["www: www has no suffix; write it whole, such as example.cn"]),
        (
            {"shop.example.cn": 7},
            ["shop.example.cn: is none of the site's names: example.cn, www.example.cn"],
        ),
        (
            {"example.cn": 7, "www.example.cn": 7},
            [
                "example.cn: 7 is named for www.example.cn too; a record has one name",
                "www.example.cn: 7 is named for example.cn too; a record has one name",
            ],
        ),
    ],
)
def test_records_that_can_t_be_taken_over(adopt: dict[str, Any], problems: list[str]) -> None:
    assert refusal(changed("luodi:dns.adopt", adopt)) == [f"luodi:dns.adopt.{problem}" for problem in problems]


def test_records_to_take_over() -> None:
    values = changed("luodi:dns.adopt", {"WWW.Example.cn.": 7})
    assert Settings.parse(values).main.dns.adopt == {"www.example.cn": 7}


def test_a_domain_outside_its_zone() -> None:
    values = changed("luodi:dns.zone", "other.cn")
    assert refusal(values) == ["luodi:site.domain: example.cn is not in the zone other.cn (luodi:dns.zone)"]


def test_a_name_that_only_ends_like_the_zone_is_outside_it() -> None:
    assert refusal(changed("luodi:site.names", ["notexample.cn"])) == [
        "luodi:site.names[0]: notexample.cn is not in the zone example.cn (luodi:dns.zone)"
    ]


def test_a_zone_that_is_wrong_itself_is_the_only_problem() -> None:
    values = changed("luodi:site.names", ["www.other.cn"]) | {"luodi:dns": {"zone": "other_.cn"}}
    assert refusal(values) == ["luodi:dns.zone: other_.cn has an underscore, which a host name can't have (RFC 1123)"]


def test_what_must_be_set() -> None:
    assert refusal({}) == [
        "tencentcloud:region: is not set",
        "luodi:site: is not set; see stacks/ for an example",
        "luodi:server: is not set; see stacks/ for an example",
    ]
    assert refusal({**GOOD, "luodi:site": {}, "luodi:server": {}}) == [
        "luodi:site.domain: is not set",
        "luodi:site.title: is not set",
        "luodi:server.kind: is not set; write cvm or lighthouse",
    ]
    assert refusal({**GOOD, "luodi:server": {"kind": "lighthouse"}}) == ["luodi:server.bundle: is not set"]


def test_a_lighthouse_is_prepaid_too() -> None:
    assert refusal({**GOOD, "luodi:server": {**LIGHTHOUSE, "period": 1, "charge-type": "PREPAID"}}) == [
        "luodi:server.charge-type: is a setting of kind cvm, not lighthouse"
    ]
    assert refusal({**GOOD, "luodi:server": {**LIGHTHOUSE, "period": 1}}) == [
        f"luodi:server.period: 1 month; {TOO_SHORT}"
    ]


def test_every_problem_is_told_at_once() -> None:
    values = {
        "tencentcloud:region": "ap-hongkong",
        "luodi:site": {"domain": "a_b.cn", "title": "", "tittle": "x"},
        "luodi:server": {"kind": "cvm", "zone": 6, "disk": {"size": 1}, "ingress": [{"port": "0", "source": "x"}]},
        "luodi:dns": {"ttl": -1},
        "luodi:certificate": {"email": "x"},
        "luodi:filing": {"icp": {"number": "x"}, "public-security": {}},
        "luodi:dsn": {},
    }
    assert [problem.split(": ")[0] for problem in refusal(values)] == [
        "luodi:dsn",
        "tencentcloud:region",
        "luodi:site.domain",
        "luodi:site.title",
        "luodi:site.tittle",
        "luodi:server.zone",
        "luodi:server.ingress[0].port",
        "luodi:server.ingress[0].source",
        "luodi:server.disk.size",
        "luodi:dns.ttl",
        "luodi:certificate.email",
        "luodi:filing.icp.number",
        "luodi:filing.icp.approved",
        "luodi:filing.public-security.number",
    ]


# --- any input at all --------------------------------------------------------------------------------

KEYS = st.sampled_from(
    sorted(
        {
            str(field.alias)
            for model in (
                CvmSettings,
                LighthouseSettings,
                *(type(part) for part in vars(Settings.parse(GOOD)).values()),
            )
            if hasattr(model, "model_fields")
            for field in model.model_fields.values()
        }
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["cvm", "example.cn", "22"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=4),
    max_leaves=8,
)
SECTIONS = st.sampled_from(["tencentcloud:region", *(f"luodi:{name}" for name in ("site", "server", "dns", "filing"))])


@given(st.dictionaries(SECTIONS | st.text(), JSON))
def test_nothing_crashes_it(values: dict[str, Any]) -> None:
    with contextlib.suppress(SettingsError):
        Settings.parse(values)


@given(st.sampled_from([path for path, _, _ in BAD]), JSON)
@example("luodi:site.title", "\ud800")
@example("luodi:site.\ud800", "x")
def test_nothing_in_a_good_stack_crashes_it(path: str, value: Any) -> None:
    with contextlib.suppress(SettingsError):
        Settings.parse(changed(path, value))


WRITTEN = st.text(st.sampled_from("abz019-_.。．ＡＢ１中国例子ß\u200d:/* ")) | st.text()


@given(WRITTEN | st.lists(WRITTEN, min_size=2, max_size=4).map(".".join))
@example("１２７.０.０.１")
@example("127。0。0。1")
@example("a\ud800.cn")
@example("faß.example")
@example("example.cn。")
def test_a_host_name_is_refused_or_valid_and_stays_as_it_is(text: str) -> None:
    try:
        name = host_name(text)
    except ValueError:
        return
    assert host_name(name) == name
    assert len(name) <= 253
    assert re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", name)


@pytest.mark.parametrize(
    ("name", "bought"),
    [
        ("www.example.com.cn", "example.com.cn"),
        ("example.cn", "example.cn"),
        ("com.cn", None),
        ("team.github.io", "github.io"),  # a name below somebody's domain, though its owner hands it out
        ("a.example.xn--fiqs8s", "example.xn--fiqs8s"),
    ],
)
def test_the_domain_that_was_bought(name: str, bought: str | None) -> None:
    assert registrable(name) == bought


# --- the environment ---------------------------------------------------------------------------------


def test_the_real_world_is_the_default() -> None:
    assert Surroundings.from_environment({}) == Surroundings(None, None, ())
    unset = {"LUODI_ACME_DIRECTORY": "", "LUODI_ACME_CA": "", "LUODI_DNS": ""}
    assert Surroundings.from_environment(unset) == Surroundings(None, None, ())


def test_a_rehearsal_says_where_it_is() -> None:
    around = Surroundings.from_environment(
        {
            "LUODI_ACME_DIRECTORY": "https://127.0.0.1:14000/dir",
            "LUODI_ACME_CA": "/somewhere/ca.pem",
            "LUODI_DNS": "127.0.0.1:8053",
        }
    )
    assert around.acme_directory == "https://127.0.0.1:14000/dir"
    assert around.acme_ca == Path("/somewhere/ca.pem")
    assert around.dns == (("127.0.0.1", 8053),)
    assert Surroundings.from_environment({"LUODI_DNS": "[::1]:53"}).dns == (("::1", 53),)


@pytest.mark.parametrize("text", ["127.0.0.1", "localhost:53", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "53"])
def test_a_bad_dns_address_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="LUODI_DNS") as caught:
        Surroundings.from_environment({"LUODI_DNS": text})
    assert str(caught.value) == f"LUODI_DNS: {text} is not address:port, such as 127.0.0.1:53"


def test_what_is_wrong_with_a_filing_hides_nothing_else() -> None:
    values = changed("luodi:server", {"kind": "cvm", "period": 1})
    assert refusal(values | {"luodi:filing": {"icp": {"number": "粤ICP备1号", "approved": "2026-01-05"}}})[1:] == [
        f"luodi:server.period: 1 month; {TOO_SHORT}"
    ]
