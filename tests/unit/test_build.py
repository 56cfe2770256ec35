"""The command that makes a site's files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from luodi.delivery import build
from luodi.delivery.build import BuildError


def refusal(command: str, project: Path, *, seconds: float = 60) -> str:
    with pytest.raises(BuildError) as caught:
        build.run(command, "out", seconds=seconds, project=project)
    return str(caught.value)


def test_a_build_runs_in_the_project_s_folder(tmp_path: Path) -> None:
    build.run("mkdir out; pwd > out/where", "out", seconds=60, project=tmp_path)
    assert (tmp_path / "out" / "where").read_text() == f"{tmp_path.resolve()}\n"


def test_no_secret_reaches_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ["TENCENTCLOUD_SECRET_KEY", "PULUMI_CONFIG_PASSPHRASE", "GITHUB_TOKEN", "NPM_TOKEN", "AWS_SESSION_TOKEN"]
    for name in (*secrets, "HTTP_PROXY", "LUODI_NOTIFY", "npm_config__authToken", "SOMEBODY_S_OWN"):
        monkeypatch.setenv(name, "not to be told")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("PNPM_HOME", "/opt/pnpm")
    build.run("mkdir out; env > out/environment", "out", seconds=60, project=tmp_path)
    told = (tmp_path / "out" / "environment").read_text()
    assert "not to be told" not in told
    assert "LC_ALL=zh_CN.UTF-8\n" in told
    assert "PNPM_HOME=/opt/pnpm\n" in told
    assert "PATH=" in told


def test_a_failed_build_is_told_in_its_own_words(tmp_path: Path) -> None:
    assert refusal("echo 首页.md: no title >&2; exit 7", tmp_path) == (
        "luodi:site.build: `echo 首页.md: no title >&2; exit 7` ended with exit code 7. It said:\n首页.md: no title"
    )
    assert refusal("no-such-tool", tmp_path).endswith("no-such-tool: not found")
    long = refusal("seq 100000; exit 1", tmp_path)
    assert long.endswith("\n100000")
    assert len(long) < 4200
    assert refusal("printf '\\377'; exit 1", tmp_path).endswith("It said:\n�")


def test_a_build_that_makes_nothing_is_told(tmp_path: Path) -> None:
    assert refusal("true", tmp_path) == (
        "luodi:site.build: `true` ended well, but made no folder out (luodi:site.build.output)"
    )


def test_a_build_that_takes_too_long_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    told = refusal("echo begun; (sleep 2; touch late) & sleep 600", tmp_path, seconds=0.5)
    assert told.endswith("was stopped after 0 min (luodi:site.build.timeout). It said:\nbegun")
    time.sleep(2.2)  # the only way to see that nothing comes
    assert not (tmp_path / "late").exists()


def test_a_build_has_no_terminal_to_ask(tmp_path: Path) -> None:
    assert refusal("read answer || exit 4", tmp_path).endswith("ended with exit code 4. It said:\n(nothing)")
