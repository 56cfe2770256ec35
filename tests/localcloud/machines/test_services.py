"""systemctl in a machine tells the truth about services, and keeps them as systemd would."""

from __future__ import annotations

import pytest

from tests.localcloud.machines.rehearsal import Rehearsal

ECHO = "/usr/bin/python3 -m http.server --bind 127.0.0.1 9000"


async def _unit(rehearsal: Rehearsal, machine: str, name: str, text: str) -> None:
    await rehearsal.output(machine, f"cat > /etc/systemd/system/{name} <<'E'\n{text}\nE\nsystemctl daemon-reload")


async def _code(rehearsal: Rehearsal, machine: str, command: str) -> int | None:
    return (await rehearsal.run(machine, command)).exit_code


async def test_an_application_from_enable_to_disable(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await _unit(
        rehearsal,
        machine,
        "app.service",
        f"[Unit]\nDescription=An app\n[Service]\nExecStart={ECHO}\n[Install]\nWantedBy=multi-user.target",
    )
    run = rehearsal.run
    assert (await run(machine, "systemctl is-active app")).output == b"inactive\n"
    assert await _code(rehearsal, machine, "systemctl is-active --quiet app") == 3
    assert (await run(machine, "systemctl is-enabled app")).output == b"disabled\n"
    await rehearsal.output(machine, "systemctl enable --now app.service")
    assert await rehearsal.output(machine, "systemctl is-active app; systemctl is-enabled app") == "active\nenabled"
    await rehearsal.until(machine, "curl -sf http://127.0.0.1:9000/")
    await rehearsal.output(machine, "systemctl start app; systemctl enable --now app")
    assert await rehearsal.output(machine, "pgrep -fc [h]ttp.server") == "1"
    await rehearsal.machines.reboot(machine)
    await rehearsal.until(machine, "curl -sf http://127.0.0.1:9000/")
    await rehearsal.output(machine, "systemctl disable --now app")
    assert await _code(rehearsal, machine, "pgrep -f [h]ttp.server") == 1
    await rehearsal.machines.reboot(machine)
    assert await _code(rehearsal, machine, "systemctl is-active app") == 3


async def test_a_service_that_died_is_not_called_active(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await _unit(rehearsal, machine, "a.service", "[Service]\nExecStart=/bin/sleep infinity")
    await rehearsal.output(machine, "systemctl start a; kill -9 $(systemctl show -p MainPID --value a)")
    await rehearsal.until(machine, "systemctl is-failed a")
    assert await _code(rehearsal, machine, "systemctl is-active a") == 3
    assert b"SIGKILL" in (await rehearsal.run(machine, "systemctl status a")).output
    await rehearsal.output(
        machine, "systemctl reset-failed a; systemctl start a; kill $(systemctl show -p MainPID --value a)"
    )
    await rehearsal.until(machine, "test $(systemctl is-active a) = inactive")


async def test_restart_on_failure_and_its_limit(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await _unit(
        rehearsal,
        machine,
        "a.service",
        "[Service]\nExecStart=/bin/sleep infinity\nRestart=on-failure\nRestartSec=10ms",
    )
    await _unit(
        rehearsal,
        machine,
        "b.service",
        "[Service]\nExecStart=/bin/sh -c 'echo run >> /root/runs; exit 3'\nRestart=always\nRestartSec=10ms",
    )
    await rehearsal.output(machine, "systemctl start a b; systemctl show -p MainPID a > /root/first")
    await rehearsal.output(machine, "kill -9 $(systemctl show -p MainPID --value a)")
    await rehearsal.until(machine, "systemctl is-active a && ! systemctl show -p MainPID a | cmp -s - /root/first")
    await rehearsal.until(machine, "systemctl is-failed b")
    assert await rehearsal.output(machine, "wc -l < /root/runs") == "6"
    assert "too quickly" in await rehearsal.output(machine, "journalctl -u b --no-pager")
    await rehearsal.output(machine, "systemctl stop a")
    assert await _code(rehearsal, machine, "systemctl is-active a") == 3


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        ("ExecStartPre=/bin/sh -c 'echo because >&2; exit 1'\nExecStart=/bin/sleep 9", "because"),
        ("ExecStart=/no/such/program", "No such file"),
        ("User=no-such-user\nExecStart=/bin/true", "no-such-user"),
        ("Type=forking\nExecStart=/bin/sh -c 'echo broken; exit 4'", "exited with code 4"),
        ("Type=notify\nExecStart=/bin/true", "before it was ready"),
        ("Type=notify\nTimeoutStartSec=200ms\nExecStart=/bin/sleep 100", "too long"),
        ("Type=oneshot\nExecStart=/bin/true\nExecStart=/bin/false", "code 1"),
        ("Type=dbus\nExecStart=/bin/true", "Type=dbus"),
    ],
)
async def test_a_start_that_fails_says_so_and_why(rehearsal: Rehearsal, unit: str, why: str) -> None:
    machine = await rehearsal.create()
    await _unit(rehearsal, machine, "a.service", f"[Service]\n{unit}")
    outcome = await rehearsal.run(machine, "systemctl start a")
    assert outcome.exit_code == 1
    log = (await rehearsal.run(machine, "journalctl -xeu a")).output + outcome.output
    assert why in log.decode()
    assert await _code(rehearsal, machine, "systemctl is-active a") == 3
    assert why in rehearsal.console(machine) + outcome.output.decode()


async def test_types_environment_user_and_directories(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await rehearsal.output(
        machine,
        "printf '# comment\\nFROM_FILE=\"two words\"\\n' > /etc/default/a; mkdir /srv/app; chmod 755 /srv/app",
    )
    await _unit(
        rehearsal,
        machine,
        "a.service",
        """[Service]
Type=oneshot
RemainAfterExit=yes
User=www-data
WorkingDirectory=/srv/app
RuntimeDirectory=a
StateDirectory=a
Environment=ONE=1 "TWO=a b"
Environment=GONE=1
EnvironmentFile=/etc/default/a
EnvironmentFile=-/etc/default/missing
ExecStartPre=+/bin/sh -c 'id -u > /run/a/root'
ExecStart=/bin/sh -c 'echo $$USER $ONE "$TWO" ${FROM_FILE} $PWD > ${STATE_DIRECTORY}/said; \\
  echo %n %p > /run/a/name'
ExecStart=-/bin/false
ExecStop=/bin/sh -c 'echo stopped > /var/lib/a/stopped'""",
    )
    await rehearsal.output(machine, "systemctl start a")
    assert await rehearsal.output(machine, "systemctl is-active a") == "active"
    said = await rehearsal.output(machine, "cat /var/lib/a/said /run/a/name /run/a/root; stat -c %U /run/a")
    assert said.splitlines() in [
        ["www-data 1 a b two words /srv/app", "a.service a", "0", owner] for owner in ("www-data", "root")
    ]
    await rehearsal.output(machine, "systemctl stop a; cat /var/lib/a/stopped")


async def test_notify_and_reload(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await rehearsal.output(
        machine,
        """cat > /root/server <<'E'
#!/usr/bin/python3
import os, signal, socket
signal.signal(signal.SIGHUP, lambda *_: open("/root/reloaded", "w").close())
open("/root/early", "w").close()
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
    line.connect(os.environ["NOTIFY_SOCKET"])
    line.send(b"STATUS=nearly\\nREADY=1\\n")
while True:
    signal.pause()
E
chmod +x /root/server""",
    )
    await _unit(
        rehearsal,
        machine,
        "n.service",
        "[Service]\nType=notify\nExecStart=/root/server\nExecReload=/bin/kill -HUP $MAINPID",
    )
    assert b"not active" in (await rehearsal.run(machine, "systemctl reload n")).output
    await rehearsal.output(machine, "systemctl start n; test -e /root/early")
    await rehearsal.output(machine, "systemctl reload n")
    await rehearsal.until(machine, "test -e /root/reloaded")
    await rehearsal.output(
        machine, "systemctl reload-or-restart n; systemctl try-reload-or-restart n; systemctl stop n"
    )
    assert await _code(rehearsal, machine, "systemctl try-restart n; systemctl is-active n") == 3


async def test_order_requirements_templates_drop_ins_and_masks(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    step = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo %n >> /root/order'"
    install = "[Install]\nWantedBy=multi-user.target"
    await _unit(rehearsal, machine, "a.service", f"[Unit]\nAfter=z@1.service\nRequires=z@1.service\n{step}\n{install}")
    await _unit(rehearsal, machine, "z@.service", step)
    await rehearsal.output(
        machine,
        "mkdir /etc/systemd/system/a.service.d; cd /etc/systemd/system/a.service.d;"
        "printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"echo dropped-in >> /root/order\"\\n' > x.conf",
    )
    await rehearsal.output(machine, "systemctl start a")
    assert await rehearsal.output(machine, "cat /root/order") == "z@1.service\ndropped-in"
    await rehearsal.output(machine, "mv /etc/systemd/system/a.service /usr/local/a; systemctl mask a")
    outcome = await rehearsal.run(machine, "systemctl start a")
    assert b"masked" in outcome.output
    await rehearsal.output(machine, "systemctl unmask a; mv /usr/local/a /etc/systemd/system/a.service")
    await rehearsal.output(machine, "systemctl restart a; systemctl cat a | grep -q Requires")


async def test_what_systemctl_refuses(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    assert await _code(rehearsal, machine, "systemctl start no-such") == 5
    assert await _code(rehearsal, machine, "systemctl status no-such") == 4
    assert await _code(rehearsal, machine, "systemctl enable no-such") == 1
    outcome = await rehearsal.run(machine, "systemctl frobnicate")
    assert outcome.exit_code == 1
    assert b"frobnicate" in outcome.output
    assert await rehearsal.output(machine, "systemctl is-system-running") == "running"


async def test_only_root_changes_services(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await _unit(rehearsal, machine, "a.service", "[Service]\nExecStart=/bin/sleep infinity")
    outcome = await rehearsal.run(machine, "systemctl start a", username="www-data", directory="/")
    if await rehearsal.output(machine, "id -u www-data") == "0":  # an ordinary user's machines have one user id
        assert outcome.exit_code == 0
        return
    assert outcome.exit_code == 4
    assert b"Access denied" in outcome.output
    outcome = await rehearsal.run(machine, "systemctl is-active a", username="www-data", directory="/")
    assert outcome.output == b"inactive\n"
