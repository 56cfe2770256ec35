"""The tutorial, command by command, as a reader types it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.cloud import running_cloud
from tests.project import REPOSITORY, Project

_TUTORIAL = REPOSITORY / "docs" / "first-site.md"
_BLOCK = re.compile(r"^```(sh|sh refused)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DONE = "the-block-has-run"


def _script(port: int) -> str:
    """All blocks as one shell's input, each told apart by a line that it ends with."""
    parts = ["set -u"]
    for kind, commands in _BLOCK.findall(_TUTORIAL.read_text("utf-8")):
        block = commands.replace('):443"', f'):{port}"')
        parts.append(f"set -e\n{block}set +e" if kind == "sh" else f"{block}[ $? -ne 0 ] || exit 9")
        parts.append(f"echo {_DONE}")
    return "\n".join(parts)


def test_every_command_does_what_the_tutorial_says(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        project = Project(tmp_path / "site", {})
        for package in ("localcloud", "engine", "policy"):
            (project.folder / package).symlink_to(REPOSITORY / package)
        empty = cloud.counts()
        script = _script(cloud.https_port)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=project.folder,
            env={**os.environ, "LOCALCLOUD_HOME": str(cloud.home)},
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
        told = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        assert done.stdout.count(_DONE) == script.count(f"echo {_DONE}") > 6, told
        assert "first-site.cn is not published: first filing submitted 2026-10-20" in told
        assert "\n沪ICP备2026012345号-1\n" in done.stdout
        assert "\n沪公网安备31010402001234号\n" in done.stdout
        assert cloud.counts() == empty
