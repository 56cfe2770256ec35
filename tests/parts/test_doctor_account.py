"""What `luodi doctor` says of a stack's account and this machine's tools, asked of the rehearsal cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from localcloud.cli import main
from luodi.api import Account
from luodi.doctor import account
from luodi.settings import Settings
from tests.cloud import REGION, Cloud, running_cloud

CVM = {"kind": "cvm", "period": 3}
HOURLY = {"kind": "cvm", "charge-type": "POSTPAID_BY_HOUR"}
LIGHTHOUSE = {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01", "period": 3}
TODAY = date(2026, 11, 28)
_PULUMI = """#!/bin/sh
case "$1" in
  version) echo v{engine} ;;
  plugin) echo '[{{"name": "tencentcloud", "kind": "resource", "version": "{plugin}"}}]' ;;
esac
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as found:
        yield found


@pytest.fixture(autouse=True)
def machine(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the right engine, and the cloud's key."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    engine(tmp_path, version("pulumi"), version("tencentcloud-iac-pulumi"))


def engine(folder: Path, engine: str, plugin: str) -> None:
    program = folder / "pulumi"
    program.write_text(_PULUMI.format(engine=engine, plugin=plugin))
    program.chmod(0o755)


def registered(cloud: Cloud, domain: str, *options: str) -> None:
    done = CliRunner().invoke(main, ["register", "--home", str(cloud.home), domain, *options])
    assert done.exit_code == 0, done.output


def found(domain: str = "elsewhere.cn", server: Mapping[str, Any] = CVM, *, up: bool = False) -> dict[str, str]:
    config = {
        "tencentcloud:region": REGION,
        "luodi:site": {"domain": domain, "title": "示例"},
        "luodi:server": server,
    }
    return {one.id: one.what.en for one in account.look("test", Settings.parse(config), TODAY, up=up)}


def test_nothing_is_said_of_what_is_right(cloud: Cloud) -> None:
    registered(cloud, "example.cn", "--expires", "2028-01-01")
    assert found("example.cn") == found("elsewhere.cn") == {}


@pytest.mark.parametrize(
    ("finding", "options", "words"),
    [
        ("domain-unverified", ("--expires", "2028-01-01", "--verification", "InAudit"), "fault.cn is InAudit"),
        ("domain-held", ("--expires", "2028-01-01", "--status", "serverHold"), "the domain fault.cn is serverHold"),
        ("domain-ending", ("--expires", "2026-12-20"), "the domain fault.cn ends on 2026-12-20"),
    ],
)
def test_a_registered_domain(cloud: Cloud, finding: str, options: tuple[str, ...], words: str) -> None:
    registered(cloud, "fault.cn", *options)
    told = found("fault.cn")
    assert set(told) == {finding}
    assert words in told[finding]


def test_another_engine_and_no_plugin(tmp_path: Path) -> None:
    engine(tmp_path, "3.100.0", "0.1.0")
    told = found()
    assert set(told) == {"engine-version", "no-plugin"}
    assert told["engine-version"].startswith("pulumi is 3.100.0, while the project is locked to ")
    assert "there is 0.1.0" in told["no-plugin"]


def test_no_engine(tmp_path: Path) -> None:
    (tmp_path / "pulumi").unlink()
    assert set(found()) == {"no-engine"}


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    assert set(found()) == {"no-credentials"}


def test_a_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "wrong" * 6)
    assert set(found()) == {"api-refused"}


@pytest.mark.parametrize("server", [CVM, HOURLY, LIGHTHOUSE])
def test_a_server_may_be_ordered(server: Mapping[str, Any]) -> None:
    assert found("staging.elsewhere.cn", server) == {}


@pytest.mark.parametrize(
    ("server", "what"),
    [
        (CVM, "ap-guangzhou-6 (PREPAID)"),
        (LIGHTHOUSE, "STARTER_BUNDLE_INSTANCE"),
    ],
)
def test_no_more_may_be_ordered(server: Mapping[str, Any], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred servers would take a rehearsal a while: the last answer is told another figure."""
    call = Account.call

    def used(self: Account, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = call(self, service, action, parameters)
        for quota in answer.get("GeneralResourceQuotaSet") or ():
            quota["ResourceQuotaAvailable"] = 0
        for quotas in (answer.get("AccountQuotaOverview") or {}).get("AccountQuota", {}).values():
            for quota in quotas or ():
                quota["RemainingQuota"] = 0
        return answer

    monkeypatch.setattr(Account, "call", used)
    told = found(server=server)
    assert set(told) == {"quota-used"}
    assert what in told["quota-used"]
    assert found(server=server, up=True) == {}
