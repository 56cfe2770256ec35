"""The rehearsal cloud's ministry, asked as Tencent Cloud is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from localcloud.cli import main
from luodi.api import Account
from luodi.filing_live import check
from tests.cloud import running_cloud
from tests.unit.test_filing_live import FILED, NUMBER, facts


def test_the_rehearsal_clouds_ministry_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        account, filed = Account.find({"tencentcloud:region": "ap-guangzhou"}), facts(FILED, **{"live-check": True})

        def said() -> str:
            words = check(account, filed, "example.cn")
            return words.en if words else ""

        def ministry(*command: str) -> None:
            result = CliRunner().invoke(main, ["filing", command[0], "--home", str(cloud.home), *command[1:]])
            assert result.exit_code == 0, result.output

        assert "knows no filing" in said()
        ministry("approve", "example.cn", "--icp", NUMBER, "--elsewhere")
        assert "with another access provider" in said()
        ministry("approve", "example.cn", "--icp", NUMBER)
        assert said() == ""
        ministry("revoke", "example.cn")
        assert "knows no filing" in said()
