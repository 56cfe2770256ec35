"""A stack whose first `up` ended before most of it was made, as one that was killed: what follows is no mystery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud import Cloud
from tests.project import Project

_LIGHTHOUSE = {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"}


@pytest.mark.parametrize("server", [{"kind": "cvm"}, _LIGHTHOUSE], ids=lambda server: server["kind"])
def test_a_refresh_of_what_there_is_goes_through(cloud: Cloud, tmp_path: Path, server: dict[str, Any]) -> None:
    project = Project(tmp_path / "site", cloud.environment())
    stack = project.configure(
        "half",
        {
            "tencentcloud:region": "ap-guangzhou",
            "luodi:site": {"domain": f"half-{server['kind']}.com.cn", "title": "半"},
            "luodi:server": {**server, "alarms": {"notices": ["notice-f2svbu3w"]}},
            "luodi:dns": {"manage": "create"},
            "luodi:certificate": {"upload": True},
            "luodi:delivery": {"by": "cos"},
            "luodi:filing": {"icp": {"number": "粤ICP备2024000123号-1", "approved": "2024-05-20"}},
        },
    )
    assert stack.run("up", "--target", "**:Site::site", "--target", "**site-zone").code == 0
    refreshed = stack.run("refresh")
    assert "Traceback" not in refreshed.output
    assert refreshed.code == 0, str(refreshed)
    assert stack.run("destroy").code == 0
