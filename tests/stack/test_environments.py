"""The stack files that are shipped, unchanged, beside each other in one account."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from luodi.environments.secret import hidden
from tests.cloud import Cloud
from tests.project import REPOSITORY, Project, edited, fetch


def test_production_and_staging_stand_beside_each_other(cloud: Cloud, tmp_path: Path) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": "example.cn"})
    before = cloud.counts()
    project = Project(tmp_path / "site", cloud.environment())
    _luodi(project, "stack", "new", "staging", "--from", "production", "--force", "--json")
    production, staging = project.stack("production"), project.stack("staging")
    for stack in (production, staging):
        path = Path("stacks") / f"Pulumi.{stack.name}.yaml"
        shipped, used = (yaml.safe_load((root / path).read_text("utf-8")) for root in (REPOSITORY, project.folder))
        assert set(used) - set(shipped) <= {"encryptionsalt"}  # which `pulumi stack init` adds
        assert hidden(used["config"]) == hidden(shipped["config"])
        assert set(stack.up().changes) == {"create"}

    pages = {}
    for stack, name in ((production, "example.cn"), (staging, "www.staging.example.cn")):
        outputs = stack.outputs()
        pages[stack.name] = fetch(outputs["address"], cloud.https_port, name, cloud.roots)
    assert "示例科技" in pages["production"].body
    assert pages["staging"].status == 401  # until the team sets a password
    assert pages["staging"].headers["x-robots-tag"] == "noindex, nofollow"
    assert production.outputs()["address"] != staging.outputs()["address"]

    told = _compared(project, cloud, code=0)
    assert all(one["expected"] for one in (*told["declared"], *told["actual"]))
    assert {"server.size", "served.status", "served.robots"} <= {one["key"] for one in told["actual"]}
    cloud.run(staging.outputs()["instance"], "nginx -s quit")
    told = _compared(project, cloud, code=1)
    assert {one["key"] for one in told["actual"] if not one["expected"]} == {"served.certificate", "served.status"}

    assert production.up().changes == {}
    assert staging.run("destroy").code == 0
    assert "staging" in _compared(project, cloud, code=0)["notUp"]
    assert production.up().changes == {}
    protected = production.run("destroy")
    assert protected.code != 0
    assert "protect" in protected.output
    assert production.up().changes == {}
    shipped = project.folder / "stacks" / "Pulumi.production.yaml"
    with edited(shipped, "protect: true", "protect: false"):
        assert production.up().changes == {}
        assert production.run("destroy").code == 0
    assert cloud.counts() == before


def _luodi(project: Project, *arguments: str, code: int = 0) -> Any:
    """What a command prints for a program."""
    done = subprocess.run(
        [sys.executable, "-m", "luodi", *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def _compared(project: Project, cloud: Cloud, *, code: int) -> Any:
    return _luodi(project, "compare", "staging", "production", "--json", "--port", str(cloud.https_port), code=code)
