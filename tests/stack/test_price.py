"""`luodi price`, against the rehearsal cloud's own figures; docs/price.md, as it is typed; what a preview says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from localcloud.catalogue import Catalogue
from tests.cloud import Cloud
from tests.project import REPOSITORY, Project

_MONTHS = 12
_HOURS = 730


@pytest.fixture(scope="module")
def project(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The stacks that are shipped, and one with all that has a price of its own. None of them is up."""
    before = cloud.counts()
    project = Project(tmp_path_factory.mktemp("price") / "shop", cloud.environment())
    server = {
        "kind": "cvm",
        "instance-type": "SA5.LARGE8",
        "period": _MONTHS,
        "disk": {"type": "CLOUD_SSD", "size": 100},
        "elastic-ip": True,
        "bandwidth": {"charge-type": "BANDWIDTH_PREPAID", "mbps": 10},
    }
    project.configure("large", _config(server))
    yield project
    assert cloud.counts() == before


def _config(server: dict[str, Any]) -> dict[str, Any]:
    return {
        "tencentcloud:region": "ap-nanjing",
        "luodi:site": {"domain": "jiage.com.cn", "title": "价格"},
        "luodi:server": server,
        "luodi:dns": {"manage": "create"},
    }


def _typed(project: Project, line: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A line as it is typed in the project's folder."""
    program, *arguments = shlex.split(line)
    assert program == "luodi"
    done = subprocess.run(
        [sys.executable, "-m", "luodi", *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _fen(amount: float) -> Decimal:
    return Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_the_page_s_commands_tell_the_page_s_prices(project: Project) -> None:
    page = (REPOSITORY / "docs" / "price.md").read_text("utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    [commands] = [text for language, text in blocks if language == "sh"]
    every, one, program = commands.splitlines()
    (project.folder / "stacks" / "Pulumi.large.yaml").rename(project.folder / "large.yaml")
    try:
        shown = _typed(project, f"{every} --lang en").stdout
    finally:
        (project.folder / "large.yaml").rename(project.folder / "stacks" / "Pulumi.large.yaml")
    [table] = [text for _, text in blocks if text.startswith("stack ")]
    assert [line.split() for line in shown.splitlines()][: len(table.splitlines())] == [
        line.split() for line in table.splitlines()
    ]
    assert "production" in _typed(project, one).stdout
    assert json.loads(_typed(project, program).stdout)["monthly"] == "41.50"


def test_every_figure_is_the_cloud_s(project: Project) -> None:
    told = json.loads(_typed(project, "luodi price --json").stdout)
    catalogue = Catalogue()
    prices = catalogue.prices
    server, address = told["stacks"]["large"]["items"]
    machine = prices.instance_hour(catalogue.instance_types["SA5.LARGE8"]) * prices.hours_per_month
    for item, month in (
        (server, machine + prices.disk_month("CLOUD_SSD", 100)),
        (address, prices.bandwidth_month(10)),
    ):
        paid = month * _MONTHS * prices.discount(_MONTHS) / 100
        assert (item["months"], Decimal(item["listPrice"])) == (_MONTHS, _fen(month * _MONTHS))
        assert (Decimal(item["price"]), Decimal(item["monthly"])) == (_fen(paid), _fen(paid / _MONTHS))
    [hourly] = told["stacks"]["staging"]["items"]
    hour = prices.instance_hour(catalogue.instance_types["S5.MEDIUM2"])
    hour = round(hour + prices.hourly(prices.disk_month("CLOUD_BSSD", 50)), 4)
    assert hourly["steps"] == [{"sinceHour": 0, "listPrice": str(hour), "price": str(hour)}]
    assert Decimal(hourly["monthly"]) == _fen(hour * _HOURS)
    assert Decimal(told["monthly"]) == sum(Decimal(one["monthly"]) for one in told["stacks"].values())


def test_an_unknown_type_and_a_dead_network_are_a_line_each(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure("huge", _config({"kind": "cvm", "instance-type": "S5.HUGE"}))
    error = _typed(project, "luodi price --stack huge", 1).stderr
    (project.folder / "stacks" / "Pulumi.huge.yaml").unlink()
    assert "Pulumi.huge.yaml: luodi:server.instance-type: S5.HUGE has no price in ap-nanjing-1: " in error
    monkeypatch.setitem(project.environment, "HTTP_PROXY", "http://127.0.0.1:1")
    error = _typed(project, "luodi price", 1).stderr
    assert error.startswith(
        "Error: large, local, production, staging: Tencent Cloud's API does not answer at 127.0.0.1"
    )
    assert len(error.splitlines()) == 1


def test_a_preview_says_what_the_server_will_cost(project: Project) -> None:
    told = json.loads(_typed(project, "luodi price --stack large --json").stdout)["stacks"]["large"]
    run = project.stack("large").run("preview")
    assert run.code == 0, str(run)
    [line] = [line for line in run.output.splitlines() if "server: " in line and "CNY" in line]
    amounts = re.findall(r"[0-9][0-9 ]*\.[0-9]{2}", line)
    server, address = told["items"]
    assert [amount.replace(" ", "") for amount in amounts] == [
        *(server["price"], server["monthly"], server["listPrice"]),
        *(address["price"], address["monthly"], address["listPrice"], told["monthly"]),
    ]
