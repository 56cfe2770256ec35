"""The PHP example on a rehearsal machine, with the real nginx and the real PHP-FPM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luodi.apps import Php, packages, user
from luodi.delivery.content import read
from luodi.delivery.files import File, digest
from luodi.delivery.tat import CommandFailed
from luodi.rendering import Php as Served
from luodi.settings.app import PhpSettings
from tests.examples.conftest import EXAMPLES
from tests.examples.server import Refused, Server, released, rendered, site

NAME = "php.example.cn"
SETTINGS = {"shared": ["wp-content/uploads"], "environment": {"GREETING": "it's 你好 $HOME"}}


def release(extra: dict[str, bytes] | None = None, **more: Any) -> dict[str, bytes]:
    settings = PhpSettings.model_validate({**SETTINGS, **more})
    files = {path: file.open().read() for path, file in read(EXAMPLES / "php/site").items()} | (extra or {})
    held = {path: File.holding(data) for path, data in files.items()}
    php = Php(NAME, NAME, f"sites/{NAME}/html", digest(held), settings)
    served = rendered(site(NAME, Served(f"unix:{php.socket}", php.root())))
    return {**served, **released(php, files)}


@pytest.fixture(scope="module")
def one(machine: Server) -> Server:
    machine.run(f"apt-get install -y {' '.join(packages([PhpSettings.model_validate(SETTINGS)]))}")
    machine.deliver(release(), (NAME,))
    return machine


def upload(server: Server, name: str, text: str) -> str:
    server.run(f"echo '{text}' > /tmp/{name}")
    return str(json.loads(server.get("/", NAME, f"-F 'file=@/tmp/{name}'"))["path"])


def test_pages_are_run_and_other_files_are_served(one: Server) -> None:
    assert "<h1>it&#039;s 你好 $HOME</h1>" in one.get("/", NAME)
    assert "sans-serif" in one.get("/assets/site.css", NAME)
    assert "<h1>" in one.get("/a/permalink/", NAME), "WordPress names its pages so"


def test_what_is_uploaded_is_served_outlives_releases_and_is_never_run(one: Server) -> None:
    picture = upload(one, "picture.txt", "a picture")
    script = upload(one, "evil.php", "<?php echo 6 * 7;")
    assert one.get(picture, NAME) == "a picture"
    for path in (script, f"{script}/x.txt"):
        with pytest.raises(Refused, match="404"):
            one.get(path, NAME)
    one.deliver(release({"new.txt": b"new"}), (NAME,))
    assert one.get("/new.txt", NAME) == "new"
    assert one.get(picture, NAME) == "a picture"
    assert "<p>2 个文件</p>" in one.get("/", NAME)


def test_it_runs_under_its_own_user_and_sees_its_own_files_alone(one: Server) -> None:
    look = b"""<?php
        $may = [@file_get_contents('/etc/passwd') !== false, function_exists('shell_exec'), is_writable(__FILE__)];
        echo json_encode([posix_getpwuid(posix_geteuid())['name'], ...$may]);"""
    one.deliver(release({"look.php": look}), (NAME,))
    assert json.loads(one.get("/look.php", NAME)) == [user(NAME), False, False, False]


def test_a_pool_that_php_refuses_changes_nothing(one: Server, tmp_path: Path) -> None:
    before = one.run("cat /etc/php/*/fpm/pool.d/luodi-*; readlink /opt/luodi/current")
    files = release()
    pool = f"apps/{NAME}/pool.conf"
    with pytest.raises(CommandFailed, match=r"PHP-FPM refuses its pool: [\s\S]*nothing was switched"):
        one.deliver({**files, pool: files[pool] + b"nonsense = 1\n"}, (NAME,))
    assert one.run("cat /etc/php/*/fpm/pool.d/luodi-*; readlink /opt/luodi/current") == before
    assert "<h1>" in one.get("/", NAME)


def test_it_is_there_after_a_reboot(one: Server) -> None:
    one.reboot()
    one.until(f"curl -sSfk --resolve {NAME}:443:127.0.0.1 https://{NAME}/ | grep -q h1")
