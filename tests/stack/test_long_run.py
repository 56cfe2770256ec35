"""Renewal after renewal, as a schedule makes them, for longer than a certificate lives, watched from outside.

Lives of seconds stand for months: the authority says, of each, that it is to be renewed (ARI).
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from tests.cloud import Cloud, running_cloud
from tests.project import Project
from tests.stack.visitors import visiting

_LIFE = timedelta(seconds=40)
"""As short as a renewal on a busy machine allows."""
_WATCHED = _LIFE * 1.2
_DOMAIN = "changqi.cn"


class Schedule:
    """A stack whose certificate is looked after by `luodi renew` alone."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self._cloud, self._project = cloud, Project(folder, cloud.environment())
        self.stack = self._project.configure(
            "production",
            {
                "tencentcloud:region": "ap-guangzhou",
                "luodi:site": {"domain": _DOMAIN, "title": "长期", "names": [_DOMAIN]},
                "luodi:server": {"kind": "cvm", "period": 3},
                "luodi:dns": {"manage": "create"},
                "luodi:filing": {"icp": {"number": "粤ICP备2024000888号-1", "approved": "2024-05-06"}},
            },
        )
        self.stack.up()
        self._command = [sys.executable, "-m", "luodi", "renew", "--stack", "production"]

    def recall(self, pem: str) -> None:
        """Let the authority want a certificate renewed now."""
        start = datetime.now(UTC) - timedelta(seconds=2)
        window = {"start": start.isoformat(), "end": (start + timedelta(seconds=1)).isoformat()}
        where = f"https://127.0.0.1:{self._cloud.endpoints.acme_management_port}/set-renewal-info/"
        content = {"Certificate": pem, "ARIResponse": json.dumps({"suggestedWindow": window})}
        requests.post(where, json=content, verify=str(self._cloud.roots), timeout=10).raise_for_status()

    def run(self) -> str:
        """One run of the schedule; the serial of the certificate that is declared and served after it."""
        done = subprocess.run(
            [*self._command, "--json", "--attempts", "1", "--port", str(self._cloud.https_port)],
            cwd=self._project.folder,
            env=self._project.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (row,) = json.loads(done.stdout)["certificates"]
        assert row["outcome"] == "renewed"
        return str(row["serial"])


def test_nobody_ever_meets_an_expired_or_unknown_certificate_or_none(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud", certificate_lifetime=int(_LIFE.total_seconds())) as cloud:
        schedule = Schedule(cloud, tmp_path / "site")
        declared = [str(schedule.stack.outputs()["certificate"]["serial"])]
        where = (schedule.stack.outputs()["address"], cloud.https_port)
        with visiting(where, (_DOMAIN,), cloud.roots) as [visitor]:
            end = datetime.now(UTC) + _WATCHED
            while datetime.now(UTC) < end or len(declared) < 4:
                cloud.until(lambda: declared[-1] in visitor.shown)
                schedule.recall(visitor.shown[declared[-1]])
                declared.append(schedule.run())
    assert visitor.failures == []
    assert set(visitor.serials) == set(declared), "each was shown, and no other one"
    assert len(set(declared)) == len(declared)
    assert visitor.handshakes > 100
    assert visitor.least > timedelta()
