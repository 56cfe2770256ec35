"""`luodi compare`, as it is typed; the engine's answers are made up, the servers it looks at are real."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from luodi.cli import main
from luodi.environments.comparing import Pair, Side
from luodi.environments.staging import Wishes, staging
from luodi.settings import Settings
from tests.unit.test_environments import HASH, LOCKED, SEALED, configs, made, stack
from tests.unit.test_settings import GOOD, LIGHTHOUSE

_PULUMI = """#!/bin/bash
stack=; while [ $# -gt 0 ]; do [ "$1" = --stack ] && stack=$2; shift; done
cat "$(dirname "$0")/$stack.json" 2>/dev/null && exit
echo "error: no stack named '$stack' found" >&2; exit 255
"""
PRODUCTION = stack(
    server={**LIGHTHOUSE, "protect": True},
    filing={"icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-01-02"}},
)


class Project:
    """A project with production, and the staging that is made from it; neither is up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("stacks", "bin"):
            (folder / name).mkdir()
        (folder / "Pulumi.yaml").write_text("name: test\nruntime: python\nstackConfigDir: stacks\n")
        program = folder / "bin" / "pulumi"
        program.write_text(_PULUMI)
        program.chmod(0o755)
        self.write("production", PRODUCTION)
        self.write("staging", made(PRODUCTION).config)

    def write(self, stack: str, config: Mapping[str, Any]) -> None:
        path = self.folder / "stacks" / f"Pulumi.{stack}.yaml"
        path.write_text(yaml.safe_dump({"config": dict(config)}, allow_unicode=True), "utf-8")

    def is_up(self, stack: str, resources: list[dict[str, Any]], **outputs: Any) -> None:
        """What the engine's state says. Nothing listens at the address."""
        outputs = {"address": "127.0.0.1", "filing": {"public": False, "stage": "open"}, **outputs}
        every = [{"type": "pulumi:pulumi:Stack", "outputs": outputs}, *resources]
        (self.folder / "bin" / f"{stack}.json").write_text(json.dumps({"deployment": {"resources": every}}))

    def compare(self, *arguments: str) -> Result:
        command = ["compare", *arguments, "--lang", "en", "--port", "1", "--cwd", str(self.folder)]
        return CliRunner().invoke(main, command, catch_exceptions=False)

    def told(self, *stacks: str) -> Any:
        return json.loads(self.compare(*stacks, "--json").stdout)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    found = Project(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return found


def surprising(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["key"]: one["values"] for one in found if not one["expected"]}


# --- as declared ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("staging", "production"), ("production", "staging")])
def test_what_the_command_makes_is_expected(project: Project, order: tuple[str, str]) -> None:
    done = project.compare(*order)
    assert done.exit_code == 0, done.output
    assert "staging: no stack named 'staging' found; what is declared is compared all the same" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 unexpected, 11 expected"


def test_something_else_is_not(project: Project) -> None:
    config = copy.deepcopy(dict(made(PRODUCTION).config))
    config["luodi:server"] |= {"log-days": 365, "ingress": [{"port": "22", "source": "0.0.0.0/0"}]}
    config["luodi:site"] |= {"headers": {"frame": "any"}, "title": "另一个名字"}
    config["luodi:filing"] = {"icp": {"number": "粤ICP备2026068982号-2", "approved": "2026-01-02"}}
    project.write("staging", config)
    done = project.compare("staging", "production")
    assert done.exit_code == 1
    assert "unexpected" in done.stdout
    assert surprising(project.told("staging", "production")["declared"]) == {
        "luodi:server.log-days": {"staging": 365, "production": 190},
        "luodi:server.ingress[0].port": {"staging": "22", "production": None},
        "luodi:server.ingress[0].source": {"staging": "0.0.0.0/0", "production": None},
        "luodi:server.ingress[0].protocol": {"staging": "TCP", "production": None},
        "luodi:server.ingress[0].description": {"staging": "opened by the stack", "production": None},
        "luodi:site.headers.frame": {"staging": "any", "production": "same-origin"},
        "luodi:filing.icp.number": {"staging": "粤ICP备2026068982号-2", "production": "粤ICP备2026068982号-1"},
    }


def test_a_secret_that_is_not_set_is_told(project: Project) -> None:
    config = {**PRODUCTION, "luodi:app-secrets": {"database-url": SEALED}}
    project.write("production", config)
    told = project.told("staging", "production")["declared"]
    assert surprising(told) == {"luodi:app-secrets.database-url": {"staging": None, "production": "set"}}
    project.write("staging", {**made(config).config, "luodi:app-secrets": {"database-url": SEALED}})
    assert surprising(project.told("staging", "production")["declared"]) == {}


def test_another_system_is_not_expected(project: Project) -> None:
    config = copy.deepcopy(dict(made(PRODUCTION).config))
    config["luodi:server"]["image"] = "Debian 13"
    project.write("staging", config)
    assert set(surprising(project.told("staging", "production")["declared"])) == {"luodi:server.image", "nginx"}


def test_two_strangers_are_no_staging_of_each_other(project: Project) -> None:
    project.write("other", stack(site={"domain": "other.cn"}))
    done = project.compare("other", "production")
    assert done.exit_code == 1
    assert "neither of other and production is the other's staging stack" in done.stdout


@given(configs(), st.sampled_from(["cvm", "lighthouse"]), st.booleans())
def test_whatever_a_stack_says_its_staging_stack_is_no_surprise(
    config: dict[str, Any], server: Any, public: bool
) -> None:
    size = None if server == "cvm" else str(LIGHTHOUSE["bundle"])
    settings = Settings.parse(config)
    result = staging(config, settings, Wishes("staging", "zz", LOCKED, server=server, size=size, public=public))
    there = {**result.config, **{one.key: SEALED for one in result.secrets if len(one.path) == 1}}
    if keys := {str(one.path[1]): SEALED for one in result.secrets if one.path[0] == "luodi:app-secrets"}:
        there["luodi:app-secrets"] = keys
    pair = Pair((Side("production", config, settings), Side("staging", there, Settings.parse(there))))
    assert [one for one in pair.declared() if not one.expected] == []
    assert HASH not in str(pair.declared())


# --- as they are ---------------------------------------------------------------------------------

_LIGHTHOUSE_TYPE = "tencentcloud:Lighthouse/instance:Instance"
_CVM_TYPE = "tencentcloud:Instance/instance:Instance"


def _up(project: Project) -> None:
    certificate = {"issuer": "R10", "fingerprints": ["ab"]}
    lighthouse = {"type": _LIGHTHOUSE_TYPE, "outputs": {"bundleId": LIGHTHOUSE["bundle"]}}
    cvm = {"type": _CVM_TYPE, "outputs": {"instanceType": "S5.MEDIUM2"}}
    names = ["example.cn", "www.example.cn"]
    project.is_up("production", [lighthouse], names=names, certificate=certificate, release="a")
    theirs = ["staging.example.cn", "www.staging.example.cn"]
    project.is_up("staging", [cvm], names=theirs, certificate={**certificate, "issuer": "STAGING R1"}, release="b")


def test_as_they_are_they_differ_as_declared(project: Project) -> None:
    _up(project)
    told = project.told("staging", "production")
    assert told["notUp"] == {}
    assert set(surprising(told["actual"])) == {"served.certificate"}  # nothing listens there
    assert {one["key"] for one in told["actual"] if one["expected"]} == {
        *(f"resources.{_CVM_TYPE}", f"resources.{_LIGHTHOUSE_TYPE}"),
        *("server.size", "release", "names", "certificate.issuer"),
    }


def test_what_only_one_of_them_has_is_told(project: Project) -> None:
    _up(project)
    names = ["staging.example.cn"]
    bucket = {"type": "tencentcloud:Cos/bucket:Bucket", "outputs": {}}
    small = {"type": _CVM_TYPE, "outputs": {"instanceType": "S5.SMALL1"}}
    project.is_up("staging", [small, bucket], names=names, filing={"public": False, "stage": "review"})
    found = surprising(project.told("staging", "production")["actual"])
    assert found["resources.tencentcloud:Cos/bucket:Bucket"] == {"staging": 1, "production": None}
    assert found["server.size"] == {"staging": "S5.SMALL1", "production": LIGHTHOUSE["bundle"]}
    assert found["filing.stage"] == {"staging": "review", "production": "open"}
    assert found["names"]["staging"] == names


def test_a_zone_that_one_of_them_makes_is_as_declared(project: Project) -> None:
    zone = {"type": "tencentcloud:Dnspod/domainInstance:DomainInstance", "outputs": {}}
    key = f"resources.{zone['type']}"
    for manage in ("create", "adopt"):
        _up(project)
        project.write("production", {**PRODUCTION, "luodi:dns": {"manage": manage}})
        project.is_up("production", [zone])
        told = {one["key"]: one["expected"] for one in project.told("staging", "production")["actual"]}
        assert told[key] is (manage == "create")


# --- the command line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("staging",), 2, "Missing argument 'B'"),
        (("staging", "staging"), 2, "staging is one stack; name another"),
        (("staging", "prod"), 1, "there is no stack prod; there are: production, staging"),
    ],
)
def test_a_wrong_command_line(project: Project, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = project.compare(*arguments)
    assert done.exit_code == code
    assert said in done.stderr


def test_a_file_that_can_t_be_right(project: Project) -> None:
    project.write("staging", {**GOOD, "luodi:server": {"kind": "cvm", "period": 1}})
    done = project.compare("staging", "production")
    assert done.exit_code == 1
    assert "luodi:server.period: 1 month; a filing needs" in done.stderr
