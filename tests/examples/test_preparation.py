"""How a server is prepared, on a rehearsal machine."""

from __future__ import annotations

import json

from luodi.delivery.scripts import LOG_DAYS
from tests.examples.server import SCRIPTS, Server

STATE = (
    "find /etc /opt /usr/local/bin -xdev -type f -not -name '*.status' -printf '%p %T@ %s %m %u\\n' | sort | sha256sum"
)


def facts(said: str) -> dict[str, object]:
    return dict(json.loads(said.splitlines()[-1]))


def test_it_says_what_the_server_is_and_lacks_and_changes_nothing_twice(machine: Server) -> None:
    first = facts(machine.run(SCRIPTS.prepare(ssh=True, swap_below=10**9)))
    before = machine.run(STATE)
    assert facts(machine.run(SCRIPTS.prepare(ssh=True, swap_below=10**9))) == first
    assert machine.run(STATE) == before
    assert str(first["nginx"]) in machine.run("nginx -v 2>&1")
    assert first["processors"] == int(machine.run("nproc"))
    lacks = first["lacks"]
    assert isinstance(lacks, list)
    # A sandbox is let neither swap nor set its clock, and says so.
    assert [each for each in lacks if each.startswith("a swap file")]
    assert [each for each in lacks if each.startswith("time synchronisation")]
    assert machine.run("ls /swapfile* 2>/dev/null; cat /etc/fstab") == ""


def test_connections_may_wait_as_memory_bears(machine: Server) -> None:
    assert int(machine.run("cat /proc/sys/net/core/somaxconn")) >= 4096
    machine.run("systemctl restart nginx")
    files = machine.run("grep '^Max open files' /proc/$(cat /run/nginx.pid)/limits").split()
    assert int(files[4]) == min(262144, int(machine.run("ulimit -Hn")))


def test_logs_are_turned_over_each_day_and_kept_six_months(machine: Server) -> None:
    assert LOG_DAYS > 184, "no six months are longer"
    machine.run("systemctl restart nginx; echo an application > /var/log/luodi/shop.example.cn.log")
    machine.run("curl -s http://127.0.0.1/first > /dev/null; test -s /var/log/nginx/access.log")
    machine.run("logrotate --force /etc/logrotate.conf")
    machine.run("curl -s http://127.0.0.1/second > /dev/null")
    machine.until("grep -q second /var/log/nginx/access.log")
    assert "first" in machine.run("cat /var/log/nginx/access.log-*")
    assert (
        machine.run("cat /var/log/luodi/shop.example.cn.log-*; cat /var/log/luodi/shop.example.cn.log")
        == "an application"
    )
    old = "/var/log/nginx/access.log-20250101.gz"
    kept = "/var/log/nginx/access.log-$(date --date='-185 days' +%Y%m%d).gz"
    machine.run(f"touch --date='-191 days' {old}; touch --date='-185 days' {kept}")
    machine.run("curl -s http://127.0.0.1/ > /dev/null; rm /var/lib/logrotate/status")
    machine.run("rm /var/log/nginx/access.log-$(date +%Y%m%d); logrotate --force /etc/logrotate.conf")
    assert machine.run(f"ls {old} 2>/dev/null; ls {kept}").endswith(".gz")
    assert old not in machine.run("ls /var/log/nginx/*")
