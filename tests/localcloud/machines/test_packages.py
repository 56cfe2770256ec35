"""apt-get in a machine: what the host has can be installed, all else is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from localcloud.machines.guest import apt_get
from tests.localcloud.machines.rehearsal import Rehearsal

INSTALL = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq nginx"


async def test_nginx_is_not_there_until_it_is_installed(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    for look in (
        "command -v nginx",
        "bash -c 'command -v nginx'",
        "sh -c 'command -v nginx'",
        "which nginx",
        "/usr/sbin/nginx -v",
        "test -x /usr/sbin/nginx",
        "dpkg -s nginx",
        "test -e /etc/nginx",
        "systemctl is-active nginx",
        "systemctl start nginx",
    ):
        assert (await rehearsal.run(machine, look)).exit_code != 0, look
    assert "Setting up nginx" in await rehearsal.output(machine, INSTALL)
    assert await rehearsal.output(machine, "command -v nginx") == "/usr/sbin/nginx"
    await rehearsal.output(machine, "dpkg -s nginx | grep -q '^Status: install ok installed'; nginx -t; nginx -V")
    assert await rehearsal.output(machine, "systemctl is-active nginx; systemctl is-enabled nginx") == "active\nenabled"
    await rehearsal.output(machine, "curl -sf http://127.0.0.1/ | grep -q 'Welcome to nginx'")
    await rehearsal.output(machine, "test -d /etc/nginx/modules-enabled; test -L /etc/nginx/sites-enabled/default")
    assert "already the newest" in await rehearsal.output(machine, "apt-get install -y nginx")


async def test_an_installation_outlives_a_reboot_and_is_one_machines_own(rehearsal: Rehearsal) -> None:
    machine, other = await rehearsal.create(), await rehearsal.create()
    await rehearsal.install_nginx(machine)
    await rehearsal.machines.reboot(machine)
    await rehearsal.until(machine, "systemctl is-active nginx && curl -sf http://127.0.0.1/")
    assert "already the newest" in await rehearsal.output(machine, "apt-get install -y nginx")
    assert (await rehearsal.run(other, "command -v nginx || dpkg -s nginx")).exit_code != 0


async def test_what_the_host_has_is_there_and_all_else_is_refused(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    output = await rehearsal.output(machine, "apt-get -o Dpkg::Use-Pty=0 install -y bash coreutils")
    assert output.count("already the newest") == 2
    outcome = await rehearsal.run(machine, "apt install --yes bash no-such-package-anywhere nginx")
    assert outcome.exit_code == 100
    assert b"E: Unable to locate package no-such-package-anywhere" in outcome.output
    assert (await rehearsal.run(machine, "dpkg -s nginx")).exit_code == 1, "nothing of it was installed"
    assert (await rehearsal.run(machine, "apt-get frobnicate")).exit_code == 100


async def test_a_configuration_that_is_there_is_kept(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    own = "events {} http { server { listen 81; return 204; } }"
    await rehearsal.output(machine, f"mkdir /etc/nginx; echo '{own}' > /etc/nginx/nginx.conf; apt-get install -y nginx")
    assert await rehearsal.output(machine, "cat /etc/nginx/nginx.conf") == own
    assert await rehearsal.output(machine, "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:81/") == "204"


async def test_nginx_as_a_service(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await rehearsal.install_nginx(machine)
    await rehearsal.output(
        machine, "systemctl reload nginx && service nginx reload && systemctl restart nginx && nginx -s reload"
    )
    await rehearsal.output(machine, "echo broken > /etc/nginx/conf.d/x.conf")
    assert (await rehearsal.run(machine, "nginx -t")).exit_code == 1
    await rehearsal.run(machine, "systemctl reload nginx")
    await rehearsal.output(machine, "curl -sf http://127.0.0.1/")
    outcome = await rehearsal.run(machine, "systemctl restart nginx")
    assert outcome.exit_code == 1
    assert "/etc/nginx/conf.d/x.conf" in await rehearsal.output(machine, "journalctl -u nginx")
    assert (await rehearsal.run(machine, "systemctl is-active nginx")).output == b"failed\n"
    await rehearsal.output(machine, "rm /etc/nginx/conf.d/x.conf; systemctl start nginx; curl -sf http://127.0.0.1/")
    await rehearsal.output(machine, "kill -9 $(cat /run/nginx.pid)")
    await rehearsal.until(machine, "systemctl is-failed nginx")
    await rehearsal.output(machine, "systemctl restart nginx; curl -sf http://127.0.0.1/; systemctl stop nginx")
    await rehearsal.until(machine, "! pgrep nginx")


async def test_the_configuration_where_the_distributions_cannot_be_had_serves(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    own = "/usr/local/qcloud/lib/localcloud/machines/guest/nginx"
    await rehearsal.output(machine, f"mkdir /etc/nginx; cp -r {own}/. /etc/nginx; apt-get install -y nginx")
    await rehearsal.output(machine, f"cmp {own}/nginx.conf /etc/nginx/nginx.conf; nginx -t")
    await rehearsal.output(
        machine, "echo 'p {}' > /var/www/html/a.css; curl -sfI http://127.0.0.1/a.css | grep text/css"
    )
    await rehearsal.output(machine, f"cp {own}/nginx.service /etc/systemd/system/; systemctl restart nginx")
    await rehearsal.output(machine, "curl -sf http://127.0.0.1/; systemctl reload nginx; systemctl stop nginx")


def test_a_configuration_that_the_hosts_owner_changed_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt_get, "HOST", tmp_path)
    shipped = b"events {}"
    checksum = hashlib.md5(shipped, usedforsecurity=False).hexdigest()
    offers = {"nginx-common": f"Package: nginx-common\nConffiles:\n /etc/nginx/nginx.conf {checksum}\nDescription: x"}
    (tmp_path / "nginx").mkdir()
    main = tmp_path / "nginx/nginx.conf"
    main.write_bytes(shipped)
    assert apt_get.default_configuration(offers) == {Path("/etc/nginx/nginx.conf"): shipped}
    main.write_bytes(b"events {} http { # somebody's own site")
    assert b"somebody" not in b"".join(apt_get.default_configuration(offers).values())
    main.unlink()
    assert Path("/etc/nginx/mime.types") in apt_get.default_configuration(offers)
