"""A staging stack made from another: what differs, and that nothing secret goes along."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from luodi.environments.naming import Renaming, label, label_between, stack_name
from luodi.environments.password import locked
from luodi.environments.secret import HIDDEN, Secret, hidden
from luodi.environments.staging import CannotStage, Staging, Wishes, staging
from luodi.environments.writing import stack_file
from luodi.settings import Settings
from tests.unit.test_settings import GOOD, LIGHTHOUSE

REPOSITORY = Path(__file__).parents[2]
LOCKED = locked()
HASH = "$6$QvPbYkBzTQ$" + "q" * 86
SEALED = {"secure": "v1:K+IqS9obE1k=:Q/HmM50s"}
WISHES = Wishes("staging", "staging", LOCKED)


def made(config: Mapping[str, Any], wishes: Wishes = WISHES) -> Staging:
    """The staging stack of a stack, which is judged as it would be once it is written."""
    result = staging(config, Settings.parse(config), wishes)
    Settings.parse(result.config)
    return result


def stack(**sections: Any) -> dict[str, Any]:
    """A good stack, with keys of its sections (`site`, `server`, ...) set."""
    config = copy.deepcopy(dict(GOOD))
    for section, values in sections.items():
        key = f"luodi:{section.replace('_', '-')}"
        config[key] = {**config.get(key, {}), **values} if isinstance(values, Mapping) else values
    return config


def shipped(name: str) -> dict[str, Any]:
    text = (REPOSITORY / "stacks" / f"Pulumi.{name}.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text)["config"])


# --- the shipped files ---------------------------------------------------------------------------


def test_the_shipped_staging_is_what_the_command_makes_of_the_shipped_production() -> None:
    assert hidden(shipped("staging")) == hidden(made(shipped("production")).config)


def test_the_shipped_staging_says_why_at_each_difference() -> None:
    text = (REPOSITORY / "stacks" / "Pulumi.staging.yaml").read_text("utf-8")
    for change in made(shipped("production")).changes:
        assert change.why.en in text, change.key


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("example.cn", ["staging.example.cn", "www.staging.example.cn"]),
        ("shop.example.com.cn", None),
        ("商店.cn", ["staging.商店.cn", "www.staging.商店.cn"]),
    ],
)
def test_every_name_stands_under_the_label(domain: str, expected: list[str] | None) -> None:
    site = made(stack(site={"domain": domain})).config["luodi:site"]
    assert site.get("names") == expected
    if expected is None:
        assert site["domain"] == "shop.staging.example.com.cn"


def test_a_zone_of_its_own_keeps_every_name_in_it() -> None:
    config = stack(
        site={"domain": "a.shop.example.cn", "names": ["b.shop.example.cn"]}, dns={"zone": "shop.example.cn"}
    )
    site = made(config).config["luodi:site"]
    assert site["names"] == ["a.staging.shop.example.cn", "b.staging.shop.example.cn"]


def test_addresses_of_its_own_lead_to_its_own() -> None:
    site = {
        "names": ["example.cn", "www.example.cn"],
        "redirects": [{"path": "/a", "to": "https://www.Example.cn/a"}, {"path": "/b", "to": "https://other.cn/"}],
        "headers": {"csp": "img-src example.cn cdn.example.cn", "more": {"X-Home": "ops@example.cn"}},
    }
    there = made(stack(site=site)).config["luodi:site"]
    assert [each["to"] for each in there["redirects"]] == ["https://www.staging.example.cn/a", "https://other.cn/"]
    assert there["headers"]["csp"] == "img-src staging.example.cn cdn.example.cn"
    assert there["headers"]["more"] == {"X-Home": "ops@example.cn"}


def test_further_sites_go_along() -> None:
    config = stack(
        sites=[
            {"site": {"domain": "shop.example.cn", "title": "示例商店"}, "filing": {"publish-without-filing": "试"}},
            {"site": {"domain": "other.cn", "title": "另一网站"}, "dns": {"manage": "create"}},
        ]
    )
    result = made(config)
    first, second = result.config["luodi:sites"]
    assert first["site"]["domain"] == "shop.staging.example.cn"
    assert second["site"]["names"] == ["staging.other.cn", "www.staging.other.cn"]
    assert all(each["site"]["noindex"] for each in (first, second))
    assert second["dns"] == {"manage": "adopt"}
    assert first["filing"] == {}
    assert [one.key for one in result.secrets] == [
        "luodi:site.areas[0].users.team",
        "luodi:sites[0].site.areas[0].users.team",
        "luodi:sites[1].site.areas[0].users.team",
    ]


def test_records_that_are_taken_over_are_the_other_stack_s() -> None:
    result = made(stack(dns={"ttl": 900, "adopt": {"www.example.cn": 7}}))
    assert result.config["luodi:dns"] == {"ttl": 900}
    assert ("luodi:dns", "adopt") in [change.path for change in result.changes]


def test_a_name_that_is_taken_is_refused() -> None:
    config = stack(site={"names": ["example.cn", "staging.example.cn"]})
    with pytest.raises(CannotStage, match=r"staging\.example\.cn is a name of the other stack already; .*--subdomain"):
        made(config)


@given(st.sampled_from(["example.cn", "www.example.cn", "a.b.example.cn", "other.cn"]))
def test_the_label_is_found_again(domain: str) -> None:
    config = stack(site={"domain": domain}, dns={"zone": "example.cn" if domain.endswith("example.cn") else domain})
    settings = Settings.parse(config)
    there = Settings.parse(made(config).config)
    assert label_between(settings.main, there.main) == "staging"
    assert label_between(there.main, settings.main) is None
    renaming = Renaming.of("staging", settings.sites)
    assert [renaming(name) for name in settings.main.names] == list(there.main.names)


@pytest.mark.parametrize("name", ["my staging", "预发布", "org/staging", "", "a" * 101, "staging\n"])
def test_a_stack_name_that_pulumi_refuses_is_refused_with_its_rule(name: str) -> None:
    with pytest.raises(ValueError, match="Pulumi takes letters, digits, hyphens, underscores and periods, 100 at most"):
        stack_name(name)


@pytest.mark.parametrize("text", ["-a", "a-", "a_b", "a.b", "", "a" * 64])
def test_a_label_that_no_host_name_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="can't be part of a host name"):
        label(text)


# --- the server and the certificate --------------------------------------------------------------


def test_a_cvm_is_paid_by_the_hour() -> None:
    server = {
        "instance-type": "S5.LARGE8",
        "period": 24,
        "protect": True,
        "bandwidth": {"charge-type": "BANDWIDTH_PREPAID"},
    }
    there = made(stack(server=server)).config["luodi:server"]
    assert there == {
        "kind": "cvm",
        "instance-type": "S5.LARGE8",
        "charge-type": "POSTPAID_BY_HOUR",
        "bandwidth": {"charge-type": "TRAFFIC_POSTPAID_BY_HOUR"},
    }


def test_a_lighthouse_server_is_kept_where_that_is_asked_for() -> None:
    config = stack(server={**LIGHTHOUSE, "protect": True})
    there = made(config, Wishes("staging", "staging", LOCKED, server="lighthouse")).config["luodi:server"]
    assert there == {**LIGHTHOUSE, "period": 1}


def test_a_lighthouse_server_becomes_a_cvm_with_the_same_system() -> None:
    config = stack(
        server={**LIGHTHOUSE, "blueprint": "Debian 12.0 64bit", "ingress": [{"port": "22", "source": "203.0.113.7"}]}
    )
    there = made(config, Wishes("staging", "staging", LOCKED, size="S5.SMALL2")).config["luodi:server"]
    assert there == {
        "kind": "cvm",
        "image": "Debian 12",
        "instance-type": "S5.SMALL2",
        "charge-type": "POSTPAID_BY_HOUR",
        "ingress": [{"port": "22", "source": "203.0.113.7"}],
    }


def test_a_cvm_becomes_a_lighthouse_server_by_a_bundle_alone() -> None:
    with pytest.raises(CannotStage, match="name a bundle by --size"):
        made(stack(), Wishes("staging", "staging", LOCKED, server="lighthouse"))
    bundle = LIGHTHOUSE["bundle"]
    there = made(stack(), Wishes("staging", "staging", LOCKED, server="lighthouse", size=bundle))
    assert there.config["luodi:server"] == {**LIGHTHOUSE, "period": 1}


def test_a_bought_certificate_is_not_the_staging_stack_s() -> None:
    config = stack(certificate={"source": "files", "files": {"chain": "c.pem", "key": "c.key"}, "upload": True})
    assert made(config).config["luodi:certificate"] == {"authority": "letsencrypt-staging"}


def test_hsts_that_covers_subdomains_asks_for_a_trusted_certificate() -> None:
    plain = stack(site={"headers": {"hsts": {"since": "2026-01-02"}}})
    covering = stack(site={"headers": {"hsts": {"since": "2026-01-02", "subdomains": True}}})
    assert made(plain).config["luodi:site"]["headers"] == {}
    assert made(plain).config["luodi:certificate"]["authority"] == "letsencrypt-staging"
    assert made(covering).config["luodi:certificate"]["authority"] == "letsencrypt"
    assert made(covering).config["luodi:site"]["headers"] == covering["luodi:site"]["headers"]


# --- who may see it ------------------------------------------------------------------------------


def test_it_is_closed_until_a_password_is_set() -> None:
    result = made(stack())
    assert result.config["luodi:site"]["areas"] == [{"path": "/", "users": {"team": LOCKED}}]
    assert [one.command("staging") for one in result.secrets] == [
        "pulumi config set --secret --path --stack staging 'luodi:site.areas[0].users.team' \"$(openssl passwd -6)\""
    ]


def test_who_may_see_it_is_who_was_named() -> None:
    wishes = Wishes("staging", "staging", LOCKED, users={"ann": HASH}, allow=("203.0.113.7/32",))
    result = made(stack(), wishes)
    assert result.config["luodi:site"]["areas"] == [{"path": "/", "users": {"ann": HASH}, "allow": ["203.0.113.7/32"]}]
    assert result.secrets == ()
    public = made(stack(), Wishes("staging", "staging", LOCKED, public=True))
    assert "areas" not in public.config["luodi:site"]
    assert "anybody can open it" in public.remarks[-1].en


def test_areas_keep_their_users_and_none_of_their_passwords() -> None:
    areas = [
        {"path": "/", "users": {"bob": HASH}},
        {"path": "/admin/", "users": {"a.b": SEALED}, "allow": ["10.0.0.0/8"]},
    ]
    result = made(stack(site={"areas": areas}))
    assert result.config["luodi:site"]["areas"] == [
        {"path": "/", "users": {"bob": LOCKED}},
        {"path": "/admin/", "users": {"a.b": LOCKED}, "allow": ["10.0.0.0/8"]},
    ]
    assert [one.key for one in result.secrets] == [
        "luodi:site.areas[0].users.bob",
        'luodi:site.areas[1].users["a.b"]',
    ]


# --- secrets -------------------------------------------------------------------------------------


def test_secrets_are_named_and_not_copied() -> None:
    app = {"content": "./app", "command": ["node", "server.js"], "secrets": {"A": "a", "B": "b"}}
    config = {
        **stack(site={"kind": "proxy", "app": {**app, "environment": {"DATABASE": "db.internal"}}}),
        "tencentcloud:secretId": "AKIDexample",
        "tencentcloud:secretKey": SEALED,
        "luodi:acme-account-key": SEALED,
        "luodi:app-secrets": {"a": SEALED},
        "other:token": SEALED,
        "other:plain": "kept",
    }
    result = made(config, Wishes("staging", "staging", LOCKED, public=True))
    assert sorted(one.key for one in result.secrets) == ["luodi:app-secrets.a", "luodi:app-secrets.b", "other:token"]
    assert result.config["other:plain"] == "kept"
    assert {key for key in config if key not in result.config} == {
        *("tencentcloud:secretId", "tencentcloud:secretKey", "luodi:acme-account-key", "luodi:app-secrets"),
        "other:token",
    }
    assert any("DATABASE" in remark.en for remark in result.remarks)
    told = json.dumps([[change.before, change.after] for change in result.changes])
    assert "AKIDexample" not in told
    assert "v1:" not in told


def test_a_secret_says_how_it_is_set() -> None:
    assert Secret(("luodi:app-secrets", "a b")).command("dev") == (
        "pulumi config set --secret --path --stack dev 'luodi:app-secrets[\"a b\"]'"
    )
    assert Secret(("other:token",)).command("dev") == "pulumi config set --secret --stack dev other:token"


# --- whatever a stack says -----------------------------------------------------------------------

_LABELS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
_SECRETS = st.from_regex(r"v1:[a-zA-Z0-9]{16}", fullmatch=True).map(lambda text: {"secure": text})
_AREAS = st.lists(
    st.builds(
        lambda path, users: {"path": path, "users": users},
        st.sampled_from(["/", "/a/", "/b"]),
        st.dictionaries(st.text("abc.@é", min_size=1, max_size=6), _SECRETS | st.just(HASH), min_size=1, max_size=2),
    ),
    max_size=3,
    unique_by=lambda area: area["path"],
)
_CVM = st.fixed_dictionaries(
    {"kind": st.just("cvm")},
    optional={
        "period": st.sampled_from([3, 12, 36]),
        "protect": st.booleans(),
        "elastic-ip": st.booleans(),
        "renew-flag": st.just("NOTIFY_AND_MANUAL_RENEW"),
        "bandwidth": st.sampled_from([{"mbps": 10}, {"charge-type": "BANDWIDTH_PREPAID"}]),
    },
)
_LIGHTHOUSE = st.fixed_dictionaries(
    {key: st.just(value) for key, value in LIGHTHOUSE.items()},
    optional={"blueprint": st.sampled_from(["Debian 13", "lhbp-abc", "WordPress"]), "protect": st.booleans()},
)


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(_LABELS, max_size=3, unique=True))
    site = {"domain": "example.cn", "title": draw(st.sampled_from(["示例科技", "示例"])), "areas": draw(_AREAS)}
    site |= {"names": ["example.cn", *(f"{name}.example.cn" for name in names)]} if names else {}
    site |= draw(st.sampled_from([{}, {"maintenance": True}, {"headers": {"hsts": {"since": "2026-01-02"}}}]))
    further = [
        {"site": {"domain": f"{name}.other.cn", "title": "另一网站"}}
        for name in draw(st.lists(_LABELS, max_size=2, unique=True))
    ]
    return {
        "tencentcloud:region": "ap-guangzhou",
        "luodi:site": site,
        "luodi:server": draw(_CVM | _LIGHTHOUSE),
        "luodi:sites": further,
        "luodi:app-secrets": draw(st.dictionaries(_LABELS, _SECRETS, max_size=2)),
        **draw(
            st.dictionaries(st.sampled_from(["other:a", "tencentcloud:secretKey", "luodi:acme-account-key"]), _SECRETS)
        ),
    }


@given(configs(), st.sampled_from(["cvm", "lighthouse"]))
def test_whatever_a_stack_says_its_staging_stack_is_right_and_has_none_of_its_secrets(
    config: dict[str, Any], server: Any
) -> None:
    before = copy.deepcopy(config)
    wishes = Wishes(
        "staging", "zz-staging", LOCKED, server=server, size=LIGHTHOUSE["bundle"] if server != "cvm" else None
    )
    result = made(config, wishes)
    assert config == before
    text = stack_file(result.config, result.changes, stack="staging", source="production", language="en")
    assert yaml.safe_load(text)["config"] == result.config
    assert HASH not in text
    assert "secure" not in text
    settings = Settings.parse(result.config)
    assert all("zz-staging" in name for site in settings.sites for name in site.names)
    assert settings.server.protect is False
    assert all(HIDDEN in str(change.before) or "v1:" not in str(change.before) for change in result.changes)
