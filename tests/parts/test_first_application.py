"""The first application of a new project, run by Node.js."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from luodi.starting.project import first_files
from tests.unit.test_starting import ANSWERS


@pytest.mark.parametrize(
    ("kind", "type_", "said"),
    [("proxy", "text/html; charset=utf-8", "<h1>示例科技</h1>"), ("mini-program", "application/json", '"你好"')],
)
def test_a_first_application_answers_and_ends_when_it_is_asked_to(
    kind: str, type_: str, said: str, tmp_path: Path
) -> None:
    _, files = first_files({**ANSWERS, "kind": kind})
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listens = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    with subprocess.Popen(["node", "server.js"], cwd=tmp_path, env=listens) as running:
        try:
            health = _get(port, "/healthz")
            first = _get(port, "/")
            missing = _get(port, "/missing?x")
        finally:
            running.terminate()
            assert running.wait(30) == 0
    assert health.status_code == 200
    assert (first.status_code, first.headers["Content-Type"]) == (200, type_)
    assert said in first.content.decode("utf-8")
    assert missing.status_code == 404


def _get(port: int, path: str) -> requests.Response:
    """What it answers, once it listens."""
    session = requests.Session()
    session.trust_env = False
    retries = Retry(connect=20, backoff_factor=0.05, status=0)
    session.mount("http://", HTTPAdapter(max_retries=retries))
    return session.get(f"http://127.0.0.1:{port}{path}", timeout=30)
