"""What a site declares for its applications."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.unit.test_components import cloud, landed

__all__ = ["cloud"]
EXAMPLES = Path(__file__).parents[2] / "examples"
SERVER = {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"}
SECRET = "the secret itself"


def proxy(**app: Any) -> dict[str, Any]:
    content = str(EXAMPLES / "proxy-node/app")
    return {
        "kind": "proxy",
        "app": {"content": content, "command": ["node", "server.js"], "packages": ["nodejs"], **app},
    }


def test_an_application_is_in_the_release_and_its_packages_in_the_preparation() -> None:
    told = landed(SERVER, site=proxy())
    files = told.one("Release").inputs["files"]
    assert {"control", "environment", "install", "service", "build.service", "version"} == {
        path.removeprefix("apps/example.cn/") for path in files if path.startswith("apps/")
    }
    assert "include" in files["nginx/sites/example.cn.conf"]
    assert "nginx/upstreams/example.cn.conf" in files["nginx/sites/example.cn.conf"]
    assert told.one("Release").inputs["folders"].keys() == {"sites/example.cn/app"}
    assert "get nginx curl openssl ca-certificates nodejs" in told.one("Preparation").inputs["script"]


def test_secrets_are_brought_apart_and_in_no_file() -> None:
    told = landed(
        SERVER,
        site=proxy(secrets={"TOKEN": "token"}),
        config={"luodi:app-secrets": json.dumps({"token": SECRET, "unused": "another"})},
        secret=("luodi:app-secrets",),
    )
    brought = told.one("AppSecrets")
    assert brought.inputs["values"] == {"TOKEN": SECRET}
    assert brought.secret == brought.secret_outputs == {"values"}
    assert SECRET not in json.dumps(told.one("Release").inputs)
    assert "another" not in json.dumps(brought.inputs)


def test_a_secret_that_the_stack_lacks_is_named_before_anything_is_declared() -> None:
    with pytest.raises(pulumi.RunError, match=r"example\.cn is to be told token, .* --path luodi:app-secrets\.token"):
        landed(SERVER, site=proxy(secrets={"TOKEN": "token"}))


def test_php_is_served_from_where_it_is_built() -> None:
    told = landed(SERVER, site={"kind": "php", "content": str(EXAMPLES / "php/site"), "php": {"extensions": ["mysql"]}})
    files = told.one("Release").inputs["files"]
    version = files["apps/example.cn/version"].strip()
    assert f"root /opt/luodi/apps/example.cn/{version}/app;" in files["nginx/sites/example.cn.conf"]
    assert "php-fpm php-mysql" in told.one("Preparation").inputs["script"]


def test_the_domains_of_a_mini_program_are_an_output() -> None:
    told = landed(SERVER, site={**proxy(), "kind": "mini-program"})
    assert told.outputs["miniProgram"]["wechat"]["socket"] == ["wss://example.cn"]


@pytest.mark.parametrize(("ports", "opens"), [("22", True), ("20-30", True), ("2222,22", True), ("2222", False)])
def test_whoever_opens_ssh_gets_fail2ban(ports: str, opens: bool) -> None:
    ingress = [{"port": ports, "source": "203.0.113.7/32"}]
    script = landed({**SERVER, "ingress": ingress, "log-days": 365}).one("Preparation").inputs["script"]
    assert ("fail2ban" in script) == opens
    assert "rotate 365" in script


@pytest.mark.parametrize(
    ("server", "namespace", "dimension", "disk"),
    [
        (SERVER, "LIGHTHOUSE", "InstanceId", "DiskUsage"),
        ({"kind": "cvm"}, "cvm_device", "unInstanceId", "CvmDiskUsage"),
    ],
)
def test_alarms_watch_the_server_when_asked_to(
    server: dict[str, Any], namespace: str, dimension: str, disk: str
) -> None:
    assert not landed(server).all("AlarmPolicy")
    told = landed({**server, "alarms": {"notices": ["notice-f2svbu3w"], "disk": 75}})
    policy = told.one("AlarmPolicy").inputs
    assert (policy["namespace"], policy["noticeIds"]) == (namespace, ["notice-f2svbu3w"])
    rules = {rule["metricName"]: rule["value"] for rule in policy["conditions"]["rules"]}
    assert rules == {"CpuUsage": "90", "MemUsage": "90", disk: "75"}
    [watched] = told.one("PolicyBindingObject").inputs["dimensions"]
    assert json.loads(watched["dimensionsJson"]).keys() == {dimension}
