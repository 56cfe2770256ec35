"""The stack files that are shipped, unchanged, beside each other in one account."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.cloud import Cloud
from tests.project import REPOSITORY, Project, edited, fetch


def test_production_and_staging_stand_beside_each_other(cloud: Cloud, tmp_path: Path) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": "example.cn"})
    before = cloud.counts()
    project = Project(tmp_path / "site", cloud.environment())
    production, staging = project.stack("production"), project.stack("staging")
    for stack in (production, staging):
        path = Path("stacks") / f"Pulumi.{stack.name}.yaml"
        shipped, used = (yaml.safe_load((root / path).read_text("utf-8")) for root in (REPOSITORY, project.folder))
        assert set(used) - set(shipped) <= {"encryptionsalt"}  # which `pulumi stack init` adds
        assert used["config"] == shipped["config"]
        assert set(stack.up().changes) == {"create"}

    pages = {}
    for stack, name in ((production, "example.cn"), (staging, "www.staging.example.cn")):
        outputs = stack.outputs()
        pages[stack.name] = fetch(outputs["address"], cloud.https_port, name, cloud.roots)
    assert "示例科技" in pages["production"].body
    assert pages["staging"].status == 401  # until the team sets a password
    assert pages["staging"].headers["x-robots-tag"] == "noindex, nofollow"
    assert production.outputs()["address"] != staging.outputs()["address"]
    assert production.up().changes == {}
    assert staging.up().changes == {}

    assert staging.run("destroy").code == 0
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
