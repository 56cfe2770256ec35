"""What applications need of a machine: users, confined services that write to files, PHP-FPM, npm without a network."""

from __future__ import annotations

from tests.localcloud.machines.rehearsal import Rehearsal

UNIT = """[Service]
Type=oneshot
User=shop
EnvironmentFile=/etc/shop
StandardOutput=append:/var/log/shop.log
StandardError=inherit
UMask=0077
LimitNOFILE=123
NoNewPrivileges=yes
ExecStart=/bin/bash -c 'id -un; umask; ulimit -n; grep NoNew /proc/self/status; printenv ONE TWO THREE; echo oops >&2'
"""
ENVIRONMENT = r"""# a comment
ONE="two
lines, a \"quote\" and a \$"
; another
TWO='it''s' one
THREE=plain words
"""
TOLD = 'shop\n0077\n123\nNoNewPrivs:\t1\ntwo\nlines, a "quote" and a $\nits one\nplain words\noops'


async def test_a_service_of_another_user_confined_and_writing_to_a_file(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await rehearsal.output(machine, "useradd --system --user-group --shell /usr/sbin/nologin shop")
    for path, text in {"/etc/systemd/system/shop.service": UNIT, "/etc/shop": ENVIRONMENT}.items():
        await rehearsal.output(machine, f"cat > {path} <<'END'\n{text}END")
    await rehearsal.output(machine, "chmod 600 /etc/shop; systemctl daemon-reload; systemctl start shop")
    assert await rehearsal.output(machine, "cat /var/log/shop.log") == TOLD
    await rehearsal.output(machine, "systemctl start shop")
    assert await rehearsal.output(machine, "grep -c oops /var/log/shop.log") == "2"


async def test_what_would_be_installed_is_told_and_nothing_is_done(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    assert "Inst nginx " in await rehearsal.output(machine, "apt-get install --simulate --yes nginx")
    assert (await rehearsal.run(machine, "command -v nginx || dpkg -s nginx")).exit_code != 0
    assert (await rehearsal.run(machine, "apt-get install -s no-such-package-anywhere")).exit_code == 100


async def test_npm_says_what_a_machine_can_install(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    lock = '{"name": "a", "lockfileVersion": 3, "packages": {"": {"dependencies": {"no-such": "1"}}, '
    lock += '"node_modules/no-such": {"version": "1.0.0", "integrity": "sha512-AAAA"}}}'
    files = 'echo \'{"name": "a", "dependencies": {"no-such": "1"}}\' > package.json'
    outcome = await rehearsal.run(
        machine, f"mkdir /srv/a; cd /srv/a; {files}; echo '{lock}' > package-lock.json; npm ci"
    )
    assert outcome.exit_code != 0
    assert b"run 'npm ci' there once" in outcome.output
