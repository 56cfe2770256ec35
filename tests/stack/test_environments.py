"""The stack files that are shipped, unchanged, beside each other in one account; docs/staging.md, as it is typed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from luodi.environments.password import hash_of
from luodi.environments.secret import hidden
from tests.cloud import REGION, Cloud
from tests.project import REPOSITORY, Project, edited, fetch

_PASSWORD = "correct horse battery"
_BUCKET = "luodi-state-1250000000"


def _blocks() -> list[list[str]]:
    """The commands of docs/staging.md, block by block."""
    page = (REPOSITORY / "docs" / "staging.md").read_text("utf-8")
    return [block.strip().splitlines() for block in re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)]


def _typed(project: Project, line: str, environment: Mapping[str, str] | None = None, *, code: int = 0) -> str:
    """What a line prints that is typed in the project's folder. Nobody is asked."""
    done = subprocess.run(
        ["bash", "-c", f'luodi() {{ "{sys.executable}" -m luodi "$@"; }}\n{line}'],
        cwd=project.folder,
        env={**project.environment, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_production_and_staging_stand_beside_each_other(cloud: Cloud, tmp_path: Path) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": "example.cn"})
    before = cloud.counts()
    project = Project(tmp_path / "site", cloud.environment())
    production = project.stack("production")
    assert set(production.up().changes) == {"create"}

    # The shipped staging file is another team's: the one that the page makes is the same.
    path = Path("stacks") / "Pulumi.staging.yaml"
    (project.folder / path).unlink()
    new, init, secret, up, compare = _blocks()[0]
    _typed(project, new)
    shipped, made = (yaml.safe_load((root / path).read_text("utf-8")) for root in (REPOSITORY, project.folder))
    assert hidden(made["config"]) == hidden(shipped["config"])
    _typed(project, init)
    _typed(project, secret.replace('"$(openssl passwd -6)"', f"'{hash_of(_PASSWORD)}'"))
    assert "$6$" not in (project.folder / path).read_text("utf-8")
    _typed(project, f"{up} --yes --skip-preview")
    compare += f" --port {cloud.https_port}"
    assert _typed(project, f"{compare} --lang en").splitlines()[-1].startswith("0 unexpected, ")

    staging = project.stack("staging")
    address = staging.outputs()["address"]
    assert address != production.outputs()["address"]
    page = fetch(production.outputs()["address"], cloud.https_port, "example.cn", cloud.roots)
    assert "示例科技" in page.body
    page = fetch(address, cloud.https_port, "www.staging.example.cn", cloud.roots)
    assert (page.status, page.headers["x-robots-tag"]) == (401, "noindex, nofollow")
    page = fetch(address, cloud.https_port, "staging.example.cn", cloud.roots, user=("team", _PASSWORD))
    assert "示例科技（预发布）" in page.body

    cloud.run(staging.outputs()["instance"], "nginx -s quit")
    told = json.loads(_typed(project, f"{compare} --json", code=1))
    assert {one["key"] for one in told["actual"] if not one["expected"]} == {"served.certificate", "served.status"}

    assert production.up().changes == {}
    assert staging.run("destroy").code == 0
    assert "staging" in json.loads(_typed(project, f"{compare} --json"))["notUp"]
    assert production.up().changes == {}
    protected = production.run("destroy")
    assert protected.code != 0
    assert "protect" in protected.output
    assert production.up().changes == {}
    with edited(project.folder / "stacks" / "Pulumi.production.yaml", "protect: true", "protect: false"):
        assert production.up().changes == {}
        assert production.run("destroy").code == 0
    assert cloud.counts() == before


def test_a_state_lives_in_cos(cloud: Cloud, tmp_path: Path) -> None:
    project = Project(tmp_path / "site", cloud.environment())
    bucket = f"luodi-state-{cloud.call('cam', 'GetUserAppId')['AppId']}"
    store = _store(cloud)
    store.create_bucket(Bucket=bucket)

    def ours(line: str) -> str:
        """A line as it is typed against the rehearsal, whose COS has no TLS."""
        return line.replace(_BUCKET, bucket).replace("endpoint=cos", "endpoint=http://cos")

    home = tmp_path / "home"
    home.mkdir()
    project.stack("production")
    _, _, (keys, login), (export, again, init, restore) = _blocks()
    assert again == login
    _typed(project, export)
    for line in (login, init, restore, "pulumi stack tag set luodi:seen yes --stack production"):
        environment = {"PULUMI_HOME": str(home), "PULUMI_BACKEND_URL": ""}
        _typed(project, f"{keys}\n{ours(line)}", environment)
    stored = [one["Key"] for one in store.list_objects(Bucket=bucket)["Contents"]]
    assert ".pulumi/stacks/luodi/production.json" in stored
    assert not [key for key in stored if "/locks/" in key]
    for key in stored:
        store.delete_object(Bucket=bucket, Key=key)
    store.delete_bucket(Bucket=bucket)


def _store(cloud: Cloud) -> Any:
    """COS's own client."""
    from qcloud_cos import CosConfig, CosS3Client

    account = cloud.account
    return CosS3Client(
        CosConfig(
            Region=REGION,
            SecretId=account.secret_id,
            SecretKey=account.secret_key,
            Scheme="http",
            Endpoint=f"cos.{REGION}.myqcloud.com",
            Proxies={"http": cloud.endpoints.api},
        )
    )
