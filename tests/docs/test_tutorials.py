"""The tutorials, command by command, as a reader types them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cloud import running_cloud
from tests.project import REPOSITORY, Project

_BLOCK = re.compile(r"^```(sh|sh refused)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DONE = "the-block-has-run"
_TOLD = {
    "first-site": (
        "first-site.cn is not published: first filing submitted 2026-10-20",
        "\n沪ICP备2026012345号-1\n",
        "\n沪公网安备31010402001234号\n",
    ),
    "first-hour": (
        "stacks/Pulumi.shop.yaml",
        "CNY a month in all",
        "first-hour.cn is not published",
        "\n沪ICP备2026054321号-1\n",
        "0 unexpected, ",
        "+++",
        "is being served.",
    ),
}
"""What each page's commands print, among all else."""


def _script(page: str, port: int) -> str:
    """All blocks as one shell's input, each told apart by a line that it ends with."""
    parts = ["set -u"]
    for kind, commands in _BLOCK.findall((REPOSITORY / "docs" / f"{page}.md").read_text("utf-8")):
        block = commands.replace('):443"', f'):{port}"')
        block = re.sub(r"(?m)^(.* -m luodi (?:status|compare) .*)$", rf"\1 --port {port}", block)
        parts.append(f"set -e\n{block}set +e" if kind == "sh" else f"{block}[ $? -ne 0 ] || exit 9")
        parts.append(f"echo {_DONE}")
    return "\n".join(parts)


@pytest.mark.parametrize("page", _TOLD)
def test_every_command_does_what_the_page_says(page: str, tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        project = Project(tmp_path / "site", {})
        for package in ("localcloud", "engine", "policy"):
            (project.folder / package).symlink_to(REPOSITORY / package)
        empty = cloud.counts()
        script = _script(page, cloud.https_port)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=project.folder,
            env={**os.environ, "LOCALCLOUD_HOME": str(cloud.home), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        told = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        assert done.stdout.count(_DONE) == script.count(f"echo {_DONE}") > 6, told
        for words in _TOLD[page]:
            assert words in told
        assert cloud.counts() == empty
