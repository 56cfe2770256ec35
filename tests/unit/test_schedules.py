"""The schedules that renew: they can be read, and what they run is there."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from luodi.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEDULES = REPOSITORY / "schedules"


@pytest.mark.parametrize("name", ["crontab", "luodi-renew.service", "github-actions.yaml", "gitlab-ci.yaml"])
def test_what_a_schedule_runs_is_there(name: str) -> None:
    text = (SCHEDULES / name).read_text("utf-8")
    [command] = re.findall(r"-m luodi (\S+)", text)
    assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0
    targets = set(re.findall(r"(?m)^([.\w/-]+):", (REPOSITORY / "Makefile").read_text("utf-8")))
    for made in re.findall(r"make ([ \w./-]+)", text):
        assert set(made.split()) <= targets
    assert not re.search(r"--stack|--force", text), "every stack, and what is due"


def test_a_schedule_has_what_its_reader_takes() -> None:
    github = yaml.safe_load((SCHEDULES / "github-actions.yaml").read_text("utf-8"))
    assert len(github[True]["schedule"][0]["cron"].split()) == 5  # YAML 1.1 takes "on" for true
    gitlab = yaml.safe_load((SCHEDULES / "gitlab-ci.yaml").read_text("utf-8"))
    assert gitlab["luodi-renew"]["script"][-1].endswith("luodi renew")
    deployments = json.loads((SCHEDULES / "pulumi-deployments.json").read_text("utf-8"))
    assert deployments["request"]["operation"] == "update"
    for unit in ("luodi-renew.service", "luodi-renew.timer"):
        read = configparser.ConfigParser(strict=True, interpolation=None)
        read.optionxform = str  # type: ignore[assignment,method-assign]
        read.read(SCHEDULES / unit)
        assert "Unit" in read
    [line] = [line for line in (SCHEDULES / "crontab").read_text("utf-8").splitlines() if re.match(r"[\d*]", line)]
    assert line.split()[:5] == ["17", "5,17", "*", "*", "*"]


def test_every_variable_that_a_schedule_sets_is_told() -> None:
    told = (SCHEDULES / "README.md").read_text("utf-8")
    used = re.findall(r"secrets\.([A-Z_]+)", (SCHEDULES / "github-actions.yaml").read_text("utf-8"))
    assert used
    assert all(f"`{name}`" in told for name in used)
