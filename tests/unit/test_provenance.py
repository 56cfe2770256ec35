"""Who delivers, and what."""

from __future__ import annotations

import getpass
import socket
import subprocess
from pathlib import Path

import pytest

from luodi.delivery import provenance
from luodi.delivery.provenance import Provenance


@pytest.fixture(autouse=True)
def nobody_s_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def committed(folder: Path) -> str:
    git(folder, "init", "--quiet")
    git(folder, "config", "user.name", "张三")
    git(folder, "config", "user.email", "zhang@example.cn")
    (folder / "page").write_text("one")
    git(folder, "add", "page")
    git(folder, "commit", "--quiet", "--message", "one")
    return git(folder, "rev-parse", "HEAD")


def test_a_commit_and_whether_the_folder_differs_from_it(project: Path) -> None:
    commit = committed(project)
    assert provenance.find(project, {}) == Provenance("张三 <zhang@example.cn>", commit, False)
    (project / "page").write_text("two")
    assert provenance.find(project, {}) == Provenance("张三 <zhang@example.cn>", commit, True)
    assert provenance.find(project, {}).as_record() == {
        "who": "张三 <zhang@example.cn>",
        "commit": commit,
        "dirty": True,
    }


def test_outside_git_it_is_the_system_s_user(project: Path) -> None:
    found = provenance.find(project, {})
    assert found == Provenance(f"{getpass.getuser()}@{socket.gethostname()}", None, None)


@pytest.mark.parametrize("variable", ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CNB_BUILD_USER", "BUILD_USER_ID"])
def test_in_ci_it_is_who_set_it_off(project: Path, variable: str) -> None:
    commit = committed(project)
    assert provenance.find(project, {variable: "lisi"}) == Provenance("lisi (CI)", commit, False)


def test_what_somebody_calls_himself_is_one_line(project: Path) -> None:
    assert provenance.find(project, {"GITHUB_ACTOR": "a\nb\x1b[31m"}).who == "a b [31m (CI)"
    assert len(provenance.find(project, {"GITHUB_ACTOR": "a" * 999}).who) == 200


def test_without_git_at_all(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert provenance.find(project, {}).commit is None
