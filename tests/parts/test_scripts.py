"""The scripts that run on the server: as text, and for real in a sandbox."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from luodi.delivery.bundle import Bundle
from luodi.delivery.files import File, manifest, placed, release_id
from luodi.delivery.scripts import KEPT_RELEASES, NO_ROOM, Room, Scripts
from luodi.rendering import RELEASE
from tests.noise import noise
from tests.parts import machine
from tests.parts.machine import Machine, Ran, site

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = Scripts(REPOSITORY / "templates")
UPLOADS = "/var/lib/luodi/upload"

EVERY = {
    "prepare": SCRIPTS.prepare(),
    "signing-request": SCRIPTS.signing_request("example.cn", ["ecdsa", "rsa-2048"], ["example.cn"], pin=False),
    "order-under-way": SCRIPTS.order_under_way("example.cn", "ecdsa", "{}"),
    "install-certificate": SCRIPTS.install_certificate("example.cn", "abc", {"ecdsa": "a", "rsa": "b"}, "{}"),
    "transport-key": SCRIPTS.transport_key("example.cn"),
    "receive-key": SCRIPTS.receive_key("example.cn", "ecdsa", "sealed"),
    "certificate": SCRIPTS.certificate("example.cn"),
    "remove-certificate": SCRIPTS.remove_certificate("example.cn"),
    "upload": SCRIPTS.upload(f"{UPLOADS}/abc", "000", base64.b64encode(b"x" * 30000).decode()),
    "fetch": SCRIPTS.fetch(f"{UPLOADS}/abc", "bundle", "https://a.example.cn/b?c=d%20&e", "0" * 64, seconds=60),
    "plan": SCRIPTS.plan("abc", f"{UPLOADS}/abc", "0" * 64),
    "release": SCRIPTS.release(
        "abc", f"{UPLOADS}/abc", "0" * 64, names=["example.cn", "www.example.cn"], expected="cba"
    ),
    "rollback": SCRIPTS.rollback("abc", f"{UPLOADS}/abc"),
    "current": SCRIPTS.current(),
    "logs": SCRIPTS.logs("/var/log/nginx/access.log", lines=10),
    "releases": SCRIPTS.releases(),
    "read": SCRIPTS.read(["nginx/nginx.conf", "it's"], 0, 100, most=9),
}

# --- as text -----------------------------------------------------------------------------------------


def test_every_template_is_looked_at_here() -> None:
    found = (REPOSITORY / "templates" / "server").glob("*.sh.j2")
    names = {file.name.removesuffix(".sh.j2") for file in found}
    assert {name for name in names if not name.startswith("apps-")} == set(EVERY), "apps-* are pieces of the release's"


@pytest.mark.parametrize("name", EVERY)
def test_bash_can_read_it(name: str) -> None:
    subprocess.run(["bash", "-n"], input=EVERY[name], text=True, check=True)


@pytest.mark.parametrize("name", EVERY)
def test_shellcheck_finds_nothing(name: str) -> None:
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("shellcheck")), "-"],
        input=EVERY[name],
        text=True,
        capture_output=True,
        check=False,
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_a_script_of_a_team_s_own_can_change_a_block(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "templates" / "server", tmp_path / "server")
    (tmp_path / "server" / "certificate.sh.j2").write_text('{% extends "current.sh.j2" %}')
    assert Scripts(tmp_path).certificate("example.cn") == SCRIPTS.current()


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=40)
@given(st.lists(TEXT, min_size=1, max_size=5))
@example(["'", '"', "$(id)", "`id`", "a b"])
@example(["", "\n", "\\", "${x}", "!!"])
@example(["-n", "*", "~", "a'b'c", "%s"])
@example(["{{ 1 }}", "<# x #>", "{% raw %}", "&amp;<b>", "落地"])
def test_any_value_reaches_the_shell_as_it_is(values: list[str]) -> None:
    """By the value of the folder, which upload.sh assigns, and by the list of paths, which read.sh loops over."""
    [first, *_] = values
    upload = SCRIPTS.upload(first, first, "")
    assignment = upload[upload.index("folder=") : upload.index("\ntrap")]
    read = SCRIPTS.read(values, 0, 1, most=1)
    loop = read[read.index("for path in ") : read.index("; do\n")]
    script = f"set -euo pipefail\n{assignment}\nprintf '%s\\0' \"$folder\"\n{loop}; do printf '%s\\0' \"$path\"; done"
    printed = subprocess.run(["bash", "-c", script], capture_output=True, check=True, cwd="/").stdout
    assert printed.decode().split("\0") == [first, *values, ""]


# --- releases: a server with the real nginx ----------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """A release that is ready to be sent."""

    id: str
    uploads: list[str]
    switch: str


def delivery(
    files: Mapping[str, bytes],
    names: tuple[str, ...] = ("example.cn",),
    *,
    pages: Mapping[str, str] | None = None,
    passing: Mapping[str, str] | None = None,
    room: Room = NO_ROOM,
) -> Delivery:
    """The scripts that bring a release whole and switch it on."""
    made = {path: File.holding(data) for path, data in files.items()}
    release = release_id(made)
    there = placed(made, RELEASE, release)
    with tempfile.TemporaryDirectory() as scratch:
        listed = File.holding(manifest(there).encode())
        bundle = Bundle.of({**there, ".luodi/manifest": listed}, Path(scratch, "bundle"))
        parts = list(bundle.parts())
    folder = f"{UPLOADS}/{release}"
    uploads = [SCRIPTS.upload(folder, f"bundle.{number:03d}", part) for number, part in enumerate(parts)]
    record = {"who": "Zhang San <zhang@example.cn>", "commit": "c0ffee", "dirty": False}
    switch = SCRIPTS.release(
        release, folder, bundle.sha256, names=names, pages=pages, passing=passing, record=record, room=room
    )
    return Delivery(release, uploads, switch)


def send(server: Machine, sent: Delivery) -> Ran:
    for script in sent.uploads:
        assert server.run(script) == Ran(0, "")
    return server.run(sent.switch)


def landed(server: Machine, page: str = "hello", *, names: tuple[str, ...] = ("example.cn",)) -> str:
    """Bring a release that is right; its id."""
    sent = delivery(site(server.certificate, page, names=" ".join(names)), names)
    ran = send(server, sent)
    assert ran == Ran(0, f"Release {sent.id} is being served.\n")
    return sent.id


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Machine]:
    with machine.running(tmp_path) as running:
        yield running


def test_releases_follow_each_other(server: Machine) -> None:
    first = landed(server, "one")
    server.eventually_serves("one")
    assert server.says("readlink /etc/nginx/nginx.conf") == "/opt/luodi/current/nginx/nginx.conf"
    assert "Welcome to nginx!" in server.says("cat /etc/nginx/nginx.conf.distribution")
    assert server.says(SCRIPTS.current()).splitlines()[0] == f"{first} serving"
    process = server.says("cat /run/nginx.pid")

    second = landed(server, "two")
    server.eventually_serves("two")
    assert server.current == second
    assert server.releases == {first, second}
    assert server.says("cat /run/nginx.pid") == process, "reloaded, not restarted"
    assert server.says(f"ls {UPLOADS}") == ""
    assert server.says("stat --format=%a /opt/luodi/current/html/index.html /opt/luodi/current/html") == "644\n755"


@pytest.mark.parametrize("earlier", [True, False])
def test_a_release_that_nginx_refuses(server: Machine, earlier: bool) -> None:
    before = landed(server, "one") if earlier else ""
    sent = delivery(site(server.certificate, "two", more="listenn 80;"))
    ran = send(server, sent)
    assert ran.code == 1
    configuration = f"/opt/luodi/releases/{sent.id}/nginx/nginx.conf"
    assert f'unknown directive "listenn" in {configuration}:' in ran.output
    assert ran.output.endswith(f"nginx refuses release {sent.id}; nothing was switched.\n")
    assert server.current == before
    assert server.releases == ({before} if earlier else set())
    assert server.says(f"ls {UPLOADS}") == ""
    if earlier:
        server.eventually_serves("one")
    else:
        assert server.says("test ! -L /etc/nginx/nginx.conf; cat /etc/nginx/nginx.conf").startswith("user root;")


SWITCHED = "switched on again, but not seen to be served"
TAKEN = "server { listen 8099; }"
OTHER = "user root; pid /run/other.pid; error_log /dev/null; events {} http { access_log off; server { listen 8099; } }"
TAKE = f"echo '{OTHER}' > /tmp/other.conf; nginx -c /tmp/other.conf"


def quick(script: str) -> str:
    """The same, less patient with what never comes."""
    assert "SECONDS + 20" in script
    return script.replace("SECONDS + 20", "SECONDS + 3")


def test_every_name_is_looked_at(server: Machine) -> None:
    before = landed(server, "one", names=("example.cn", "www.example.cn"))
    refuse = "server { listen 443 ssl default_server; ssl_reject_handshake on; }"
    sent = delivery(site(server.certificate, "two", more=refuse), ("example.cn", "www.example.cn"))
    ran = send(server, Delivery(sent.id, sent.uploads, quick(sent.switch)))
    assert ran.code == 1
    # What it answered is either a refused handshake or, from a worker that has not gone yet, the last release.
    assert f"https://www.example.cn does not serve release {sent.id} after the reload (it answered: " in ran.output
    assert server.current == before
    server.eventually_serves("one")


def test_a_reload_that_does_not_take(server: Machine) -> None:
    """nginx -t is content, the reload exits 0, and nginx keeps its old configuration: the port is somebody's."""
    before = landed(server, "one")
    server.says(TAKE)
    sent = delivery(site(server.certificate, "two", more=TAKEN))
    ran = send(server, Delivery(sent.id, sent.uploads, quick(sent.switch)))
    assert ran.code == 1
    assert (
        f"https://example.cn does not serve release {sent.id} after the reload (it answered: {before})." in ran.output
    )
    assert "bind() to 0.0.0.0:8099 failed" in ran.output
    assert ran.output.endswith(f"The last release, {before}, is being served again.\n")
    assert server.current == before
    assert server.releases == {before}
    server.eventually_serves("one")


def test_a_reload_that_fails(server: Machine) -> None:
    before = landed(server, "one")
    sent = delivery(site(server.certificate, "two"))
    server.says("touch /run/reload-fails")
    ran = send(server, sent)
    assert ran == Ran(1, f"the journal of nginx\nThe last release, {before}, is {SWITCHED}.\n")
    assert server.current == before
    server.eventually_serves("one")
    server.says("rm /run/reload-fails")
    assert landed(server, "two") == sent.id
    server.eventually_serves("two")


def test_a_first_release_that_does_not_start(server: Machine) -> None:
    server.says("touch /run/start-fails")
    ran = send(server, delivery(site(server.certificate)))
    assert ran == Ran(1, "the journal of nginx\nThere is no earlier release to go back to.\n")
    assert server.releases == set()
    assert server.says("test ! -e /opt/luodi/current; test ! -L /etc/nginx/nginx.conf; ls /etc/nginx") == "nginx.conf"
    server.says("rm /run/start-fails")
    landed(server)
    server.eventually_serves("hello")


def test_a_first_release_that_is_not_served(server: Machine) -> None:
    server.says("nginx")
    sent = delivery(site(server.certificate, more=TAKEN))
    server.says(TAKE)
    ran = send(server, Delivery(sent.id, sent.uploads, quick(sent.switch)))
    assert ran.code == 1
    assert ran.output.endswith("There is no earlier release to go back to.\n")
    assert server.says("curl -s 127.0.0.1") == "Welcome to nginx!"
    assert server.current == ""


def test_the_same_release_again_changes_nothing(server: Machine) -> None:
    release = landed(server)
    before = server.says("stat --format=%i /opt/luodi/releases/*/html/index.html")
    assert landed(server) == release
    server.eventually_serves("hello")
    assert server.releases == {release}
    assert server.says("stat --format=%i /opt/luodi/releases/*/html/index.html") == before


def test_the_same_release_again_mends_what_was_changed_by_hand(server: Machine) -> None:
    release = landed(server)
    server.says("echo broken > /opt/luodi/current/html/index.html; nginx -s quit; rm /opt/luodi/current/tls/site.pem")
    server.says("while [[ -e /run/nginx.pid ]]; do sleep 0.02; done")
    first, digest, changed, gone = server.says(SCRIPTS.current()).splitlines()
    assert first == f"{release} stopped"
    assert digest[:2] == "= "
    assert (changed[:2], changed[-17:]) == ("+ ", "  html/index.html")
    assert gone == "- tls/site.pem"
    assert landed(server) == release
    server.eventually_serves("hello")
    assert server.releases == {release}


def test_a_change_by_hand_is_mended_whatever_its_file_is_called(server: Machine) -> None:
    files = site(server.certificate) | {"html/record": b"1969", "html/upstreams/a b": b"c", "html/deep/er/file": b"d"}
    release = delivery(files).id
    assert send(server, delivery(files)).code == 0
    html = "/opt/luodi/current/html"
    server.says(f"echo 1970 > {html}/record")
    assert send(server, delivery(files)).code == 0
    assert server.says(f"cat {html}/record") == "1969"
    server.says(
        f"cd {html}; echo 1970 > record; rm -r deep; echo x > deep; mv upstreams elsewhere; ln -s elsewhere upstreams; "
        "rm index.html; mkdir -p index.html/b; echo hello > index.html/b/c; echo y > $'new\nline'"
    )
    assert send(server, delivery(files)) == Ran(0, f"Release {release} is being served.\n")
    assert server.says(f"cd {html}; find . -mindepth 1 | sort") == (
        "./deep\n./deep/er\n./deep/er/file\n./index.html\n./record\n./upstreams\n./upstreams/a b"
    )
    assert server.says(f"cat {html}/record {html}/index.html") == "1969hello"
    assert len(server.says(SCRIPTS.current()).splitlines()) == 2, "nothing is told as changed"


def test_what_is_decided_on_the_server_stays_with_the_release(server: Machine) -> None:
    """The port that an application listens on, which its part of the release writes."""
    release = landed(server)
    port = f"/opt/luodi/releases/{release}/nginx/upstreams/app.conf"
    server.says(f"mkdir {port.removesuffix('/app.conf')}; echo 'server 127.0.0.1:8001;' > {port}")
    assert landed(server) == release
    server.says("echo broken > /opt/luodi/current/html/index.html")
    assert landed(server) == release
    assert server.says(f"cat {port}") == "server 127.0.0.1:8001;"
    assert len(server.says(SCRIPTS.current()).splitlines()) == 2, "nor is it a change by hand"


def test_an_older_release_can_be_switched_on_again(server: Machine) -> None:
    first = landed(server, "one")
    second = landed(server, "two")
    assert landed(server, "one") == first
    server.eventually_serves("one")
    assert server.releases == {first, second}


def test_what_an_interrupted_switch_left_is_no_hindrance(server: Machine) -> None:
    """Interrupted after the link was set, before nginx.conf was; and while another release was being unpacked."""
    server.says("mkdir -p /opt/luodi/releases/.x.new /opt/luodi/releases/.y.old; touch /opt/luodi/releases/.y.old/f")
    server.says("ln -s /opt/luodi/releases/gone /opt/luodi/current; rm /etc/nginx/nginx.conf")
    release = landed(server)
    server.eventually_serves("hello")
    assert server.releases == {release}


def test_what_interrupted_uploads_left_is_taken_away(server: Machine) -> None:
    server.says(f"mkdir -p {UPLOADS}/old {UPLOADS}/new; touch --date='9 hours ago' {UPLOADS}/old")
    landed(server)
    assert server.says(f"ls {UPLOADS}") == "new"


def test_what_interrupted_uploads_left_makes_room_for_the_next(tmp_path: Path) -> None:
    with machine.running(tmp_path, disk=16_000_000) as server:
        server.says(f"mkdir -p /opt/upload/left /var/lib/luodi; ln -s /opt/upload {UPLOADS}")
        server.says("cat /dev/zero > /opt/upload/left/bundle || touch --date='9 hours ago' /opt/upload/left")
        landed(server)
        server.eventually_serves("hello")


def test_old_releases_are_pruned(server: Machine) -> None:
    made = [landed(server, f"page {number}") for number in range(KEPT_RELEASES + 2)]
    assert server.releases == set(made[-KEPT_RELEASES:])
    server.eventually_serves(f"page {KEPT_RELEASES + 1}")


def test_the_current_and_the_previous_release_are_kept_however_old(server: Machine) -> None:
    made = [landed(server, f"page {number}") for number in range(KEPT_RELEASES)]
    server.says("touch --date='1 year ago' /opt/luodi/current/. /opt/luodi/releases/" + made[0])
    for number in range(KEPT_RELEASES):
        server.says(f"mkdir /opt/luodi/releases/other-{number}")
    newest = landed(server, "newest")
    assert {newest, made[-1]} <= server.releases
    assert made[0] not in server.releases


def test_a_damaged_upload_switches_nothing(server: Machine) -> None:
    before = landed(server, "one")
    sent = delivery(site(server.certificate, "two"))
    folder = f"{UPLOADS}/{sent.id}"
    server.says(sent.uploads[0])
    server.says(
        f"base64 -d {folder}/bundle.000 | head --bytes=-9 | base64 -w0 > {folder}/x; mv {folder}/x {folder}/bundle.000"
    )
    ran = server.run(sent.switch)
    assert ran.code != 0
    assert "FAILED" in ran.output
    assert ran.output.endswith(f"Release {sent.id} could not be put together on the server; nothing was switched.\n")
    assert server.current == before
    assert server.releases == {before}
    assert server.says(f"ls {UPLOADS}") == ""


def test_a_disk_that_an_upload_fills_is_told_and_left_as_it_was(tmp_path: Path) -> None:
    with machine.running(tmp_path, disk=100_000) as small:
        part = base64.b64encode(noise(30_000)).decode()
        free = "df --output=avail --block-size=1 /opt | tail --lines=1"
        before = small.says(free)
        small.says("head --bytes=80000 /dev/zero > /opt/somebody-else-s")
        ran = small.run(SCRIPTS.upload("/opt/upload/abc", "bundle.000", part))
        assert ran.code != 0
        assert "No space left on device" in ran.output
        assert "The disk of this server is full; nothing was switched. Make room (" in ran.output
        small.says("rm /opt/somebody-else-s; rmdir /opt/upload")
        assert small.says(free) == before


def test_a_full_disk_switches_nothing(tmp_path: Path) -> None:
    with machine.running(tmp_path, disk=400_000) as small:
        before = landed(small, "one")
        sent = delivery(site(small.certificate, "two") | {"html/noise.bin": noise(640_000)})
        ran = send(small, sent)
        assert ran.code != 0
        assert "No space left on device" in ran.output
        told = f"Release {sent.id} could not be put together on the server; nothing was switched.\n"
        assert f"{told}The disk of this server is full; nothing was switched. Make room (" in ran.output
        assert small.current == before
        assert small.releases == {before}
        small.eventually_serves("one")
        assert small.says(f"ls {UPLOADS}") == ""
        landed(small, "three")
        small.eventually_serves("three")


def test_a_full_disk_at_upload_is_not_left_fuller(tmp_path: Path) -> None:
    with machine.running(tmp_path, disk=100_000) as small:
        folder = "/opt/upload"
        assert small.run(SCRIPTS.upload(folder, "000", "A" * 40_000)) == Ran(0, "")
        ran = small.run(SCRIPTS.upload(folder, "001", "A" * 80_000))
        assert ran.code != 0
        assert "No space left on device" in ran.output
        assert small.says("ls /opt") == "luodi"


def test_two_releases_at_once(server: Machine) -> None:
    landed(server, "zero")
    both = [delivery(site(server.certificate, page)) for page in ("one", "two")]
    for sent in both:
        for script in sent.uploads:
            server.says(script)
    jobs = " & ".join(f"bash -c {shlex.quote(sent.switch)} > /tmp/{sent.id} 2>&1" for sent in both)
    server.says(f"{jobs} & wait")
    for sent in both:
        assert server.says(f"cat /tmp/{sent.id}") == f"Release {sent.id} is being served."
    assert server.current in [sent.id for sent in both]
    server.eventually_serves("one" if server.current == both[0].id else "two")


def test_a_switch_that_goes_on_too_long_is_told(server: Machine) -> None:
    sent = delivery(site(server.certificate))
    server.says("(flock 9; sleep 60) 9>/run/luodi-release.lock & sleep 0.2")
    for script in sent.uploads:
        server.says(script)
    ran = server.run(sent.switch.replace("--wait 10", "--wait 0.1"))
    assert ran.code == 1
    assert ran.output.startswith("This server is being changed by somebody else; nothing was changed here. Wait until")
    assert server.says(f"ls {UPLOADS}") == sent.id


def test_nothing_is_switched_on_yet(server: Machine) -> None:
    assert server.says(SCRIPTS.current()) == "stopped"


# --- preparation -------------------------------------------------------------------------------------

APT = """#!/bin/bash
echo "apt-get $*" >> /tmp/apt
[[ ! -e /tmp/apt-fails ]] || { echo "E: no mirror"; exit 100; }
[[ "$*" != *" install "* ]] || touch /tmp/installed
"""
DPKG = """#!/bin/bash
[[ -e /tmp/installed || ${!#} == openssl ]] && echo -n installed
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Machine]:
    """A server as an image gives it; its package manager only says that it installs."""
    with machine.running(tmp_path) as running:
        for name, text in {"apt-get": APT, "dpkg-query": DPKG}.items():
            (tmp_path / "tools" / name).write_text(text)
            (tmp_path / "tools" / name).chmod(0o755)
        systemctl = tmp_path / "tools" / "systemctl"
        systemctl.write_text('#!/bin/bash\necho "systemctl $*" >> /tmp/systemctl\n')
        running.says("rm -rf /opt/luodi /etc/luodi")
        yield running


def test_a_fresh_server_is_prepared_once(fresh: Machine) -> None:
    facts = json.loads(fresh.says(SCRIPTS.prepare(["nodejs", "curl"])).splitlines()[-1])
    assert facts.keys() == {"nginx", "openssl", "modules", "memory", "processors", "lacks"}
    called = fresh.says("cat /tmp/apt").splitlines()
    assert len(called) == 2
    assert called[0].endswith(" update --quiet --quiet")
    assert called[1].endswith(" --no-install-recommends nginx curl ca-certificates nodejs")
    assert fresh.says("cat /tmp/systemctl").splitlines()[-1] == "systemctl enable --quiet nginx"
    folders = "/opt/luodi /opt/luodi/releases /etc/luodi /etc/luodi/tls"
    assert fresh.says(f"stat --format=%a {folders}").split() == ["755", "755", "700", "700"]
    fresh.says(SCRIPTS.prepare(["nodejs", "curl"]))
    assert len(fresh.says("cat /tmp/apt").splitlines()) == 2


def test_a_failed_installation_is_told(fresh: Machine) -> None:
    fresh.says("touch /tmp/apt-fails")
    ran = fresh.run(SCRIPTS.prepare())
    assert ran.code == 100
    assert "E: no mirror" in ran.output


def test_another_family_of_systems_is_told(fresh: Machine, tmp_path: Path) -> None:
    ran = fresh.run(SCRIPTS.prepare().replace("command -v apt-get", "command -v apt-get-that-is-not-there"))
    assert ran.code == 1
    assert ran.output.startswith("This image has no apt-get; luodi prepares Ubuntu and Debian images (luodi:server.")


def test_preparation_waits_for_the_one_at_first_boot(fresh: Machine) -> None:
    script = shlex.quote(SCRIPTS.prepare())
    fresh.says(f"(flock 9; sleep 0.5; touch /tmp/installed) 9>/run/luodi-prepare.lock & sleep 0.1; bash -c {script}")
    assert fresh.says("cat /tmp/apt 2>/dev/null || true") == ""
