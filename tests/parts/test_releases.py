"""Releases on a server as those see them who deploy, who look, and who go back: for real in a sandbox."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from luodi.delivery.scripts import KEPT_RELEASES, Room
from luodi.delivery.served import Past, Served, before
from tests.noise import noise
from tests.parts import machine
from tests.parts.machine import Machine, Ran, site
from tests.parts.test_scripts import SCRIPTS, UPLOADS, Delivery, delivery, landed, quick, send

WHO = {"who": "Li Si's <li@example.cn>", "commit": None, "dirty": None}
PLENTY = Room(1000, 10, 1000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Machine]:
    with machine.running(tmp_path) as running:
        yield running


def rollback(server: Machine, release: str) -> Ran:
    return server.run(SCRIPTS.rollback(release, f"{UPLOADS}/{release}", record={**WHO, "action": "rollback"}))


def audit(server: Machine) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.says("cat /var/log/luodi/audit.log").splitlines()]


def listed(server: Machine) -> list[Past]:
    return Past.parse(server.says(SCRIPTS.releases()))


# --- the list and the way back -----------------------------------------------------------------------


def test_releases_are_listed_the_newest_first(server: Machine) -> None:
    assert listed(server) == []
    made = []
    for page in ("one", "two", "three"):
        made.append(landed(server, page))
        server.says("sleep 1.1")  # their times are told in seconds
    found = listed(server)
    assert [past.id for past in found] == made[::-1]
    assert [past.current for past in found] == [True, False, False]
    assert found[0].record["who"] == "Zhang San <zhang@example.cn>"
    assert found[0].record["commit"] == "c0ffee"
    previous = before(found)
    assert previous is not None
    assert previous.id == made[1]
    assert before(found[:1]) is None
    assert before([]) is None


def test_a_release_of_an_older_luodi_is_listed_by_its_age(server: Machine) -> None:
    server.says("mkdir /opt/luodi/releases/old; touch --date=2026-01-02T03:04:05Z /opt/luodi/releases/old")
    [past] = listed(server)
    assert (past.id, past.at.isoformat(), past.record) == ("old", "2026-01-02T03:04:05+00:00", {})
    assert rollback(server, "old").output.startswith("There is no release old on this server")


def test_the_way_back_and_forth(server: Machine) -> None:
    first, second = landed(server, "one"), landed(server, "two")
    assert rollback(server, first) == Ran(0, f"Release {first} is being served.\n")
    server.eventually_serves("one")
    assert server.current == first
    assert rollback(server, second) == Ran(0, f"Release {second} is being served.\n")
    server.eventually_serves("two")
    assert server.releases == {first, second}
    assert server.says(f"ls {UPLOADS}") == ""
    assert Served.parse(server.says(SCRIPTS.current())).by_hand == []


def test_there_is_no_way_back_to_what_is_not_there(server: Machine) -> None:
    current = landed(server)
    ran = rollback(server, "0123456789abcdef")
    assert ran == Ran(
        1,
        "There is no release 0123456789abcdef on this server; luodi releases lists those that are. Nothing was "
        "switched.\n",
    )
    assert server.current == current


def test_there_is_no_way_back_to_what_was_changed_by_hand(server: Machine) -> None:
    first, second = landed(server, "one"), landed(server, "two")
    server.says(f"echo mine > /opt/luodi/releases/{first}/html/index.html")
    ran = rollback(server, first)
    assert ran.code == 1
    assert "html/index.html: FAILED" in ran.output
    assert ran.output.endswith(
        f"Release {first} was changed on the server since it was delivered; nothing was switched.\n"
    )
    assert server.current == second
    server.eventually_serves("two")


def test_a_way_back_that_fails_leads_forth_again(server: Machine) -> None:
    """What it went back to stays there: it is not a release that could not be delivered."""
    first = landed(server, "one", names=("example.cn", "www.example.cn"))
    second = landed(server, "two")
    server.says(f"echo gone.example.org >> /opt/luodi/releases/{first}/.luodi/names")
    script = quick(SCRIPTS.rollback(first, f"{UPLOADS}/{first}", record=WHO))
    ran = server.run(script)
    assert ran.code == 1
    assert ran.output.endswith(f"The last release, {second}, is being served again.\n")
    assert server.current == second
    assert server.releases == {first, second}
    server.eventually_serves("two")


def test_a_way_back_looks_at_the_names_of_its_own_release(server: Machine) -> None:
    first = landed(server, "one", names=("old.example.cn",))
    landed(server, "two", names=("example.cn",))
    assert rollback(server, first).code == 0
    server.eventually_serves("one", "old.example.cn")


# --- what is killed half-way -------------------------------------------------------------------------


def killed(server: Machine, page: str, before: str) -> str:
    """A delivery whose script is killed at a line of it."""
    sent = delivery(site(server.certificate, page))
    assert sent.switch.count(f"\n{before}") == 1
    switch = sent.switch.replace(f"\n{before}", f"\nkill -KILL $$\n{before}")
    assert send(server, Delivery(sent.id, sent.uploads, switch)).code == 137
    return sent.id


def test_what_was_never_served_is_no_release_and_takes_no_room(server: Machine) -> None:
    first = landed(server, "one")
    server.says("sleep 1.1")  # their times are told in seconds
    second = landed(server, "two")
    left = [killed(server, f"killed {number}", "if ! nginx -t") for number in range(KEPT_RELEASES)]
    assert server.releases == {first, second, *left}
    assert [past.id for past in listed(server)] == [second, first]
    server.eventually_serves("two")
    newest = landed(server, "three")
    assert server.releases == {first, second, newest}, "old ones that were served stay to go back to"


def test_a_switch_that_was_killed_before_the_reload_is_taken_back(server: Machine) -> None:
    """The link says what nginx does not serve: neither is taken for the last good release."""
    first = landed(server, "one")
    second = killed(server, "two", "if ! apply")
    assert server.current == second
    server.eventually_serves("one")
    assert [(past.id, past.current) for past in listed(server)] == [(first, True)]
    refused = send(server, delivery(site(server.certificate, "three", more="listenn 80;")))
    assert refused.output.endswith("nothing was switched.\n")
    assert server.current == first
    assert audit(server)[-1]["previous"] == first
    server.says("nginx -s reload")
    server.eventually_serves("one")
    killed(server, "two", "if ! apply")
    fourth = landed(server, "four")
    server.eventually_serves("four")
    assert server.releases == {first, fourth}


def test_a_switch_that_was_killed_after_the_reload_is_what_is_served(server: Machine) -> None:
    landed(server, "one")
    second = killed(server, "two", "# A reload that nginx gives up on")
    server.eventually_serves("two")
    assert [past.id for past in listed(server) if past.current] == [second]
    third = landed(server, "three")
    server.eventually_serves("three")
    assert audit(server)[-1]["previous"] == second
    assert {second, third} < server.releases


# --- who changed the server --------------------------------------------------------------------------


def test_each_change_is_written_down(server: Machine) -> None:
    first, second = landed(server, "one"), landed(server, "two")
    broken = delivery(site(server.certificate, "three", more="listenn 80;"))
    assert send(server, broken).code == 1
    rollback(server, first)
    told = audit(server)
    assert [(each["release"], each["previous"], each["outcome"]) for each in told] == [
        (first, "", "served"),
        (second, first, "served"),
        (broken.id, second, "refused"),
        (first, second, "served"),
    ]
    assert told[0]["who"] == "Zhang San <zhang@example.cn>"
    assert told[3]["who"] == "Li Si's <li@example.cn>"
    assert told[3]["action"] == "rollback"
    assert all(str(each["at"]).endswith("Z") for each in told)
    assert server.says("stat --format=%a /var/log/luodi /var/log/luodi/audit.log").split() == ["750", "640"]


def test_a_way_back_taken_by_itself_is_written_down(server: Machine) -> None:
    before = landed(server, "one")
    sent = delivery(site(server.certificate, "two", names="www.example.cn"), ("example.cn",))
    refuse = site(server.certificate, "two", more="server { listen 443 ssl default_server; ssl_reject_handshake on; }")
    refused = delivery(
        {
            **refuse,
            "nginx/nginx.conf": refuse["nginx/nginx.conf"].replace(b"server_name example.cn", b"server_name x.cn"),
        }
    )
    assert send(server, replace(refused, switch=quick(refused.switch))).code == 1
    assert audit(server)[-1]["outcome"] == "returned"
    assert server.current == before
    assert sent.id != refused.id


# --- one at a time -----------------------------------------------------------------------------------


def test_who_comes_second_is_told_who_was_first_and_since_when(server: Machine) -> None:
    first = landed(server, "one")
    slow = delivery(site(server.certificate, "two"))
    other = delivery(site(server.certificate, "three"))
    for script in (*slow.uploads, *other.uploads):
        server.says(script)
    waits = slow.switch.replace("if ! nginx -t", "sleep 3\nif ! nginx -t")
    assert waits != slow.switch
    server.says(f"bash -c {shlex.quote(waits)} > /tmp/slow 2>&1 & sleep 1")
    ran = server.run(other.switch.replace("--wait 10", "--wait 0.1"))
    assert ran.code == 1
    assert ran.output.startswith(
        f"This server is being changed by Zhang San <zhang@example.cn> (release {slow.id}), since 20"
    )
    assert "nothing was changed here. Wait until that has ended" in ran.output
    server.says("flock --wait 20 /run/luodi-release.lock true")
    assert server.says("cat /tmp/slow") == f"Release {slow.id} is being served."
    assert server.says("cat /run/luodi-release.lock") == ""
    assert first in server.releases


def test_a_killed_release_leaves_no_lock(server: Machine) -> None:
    landed(server, "one")
    sent = delivery(site(server.certificate, "two"))
    for script in sent.uploads:
        server.says(script)
    hangs = sent.switch.replace("if ! nginx -t", "while :; do :; done\nif ! nginx -t")
    server.run(f"timeout --signal=KILL 1 bash -c {shlex.quote(hangs)}")
    assert "Zhang San" in server.says("cat /run/luodi-release.lock"), "nobody was there to take the name away"
    server.eventually_serves("one")
    assert landed(server, "three") == server.current


# --- the checks before -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("room", "what"),
    [
        (Room(10**15, 10, 1000), f"bytes free on the disk, and it takes {10**15}"),
        (Room(1000, 10**12, 1000), f"inodes free on the disk, and it takes {10**12}"),
        (Room(1000, 10, 10**15), f"bytes of memory free, and it takes {10**15}"),
    ],
)
def test_there_must_be_room(server: Machine, room: Room, what: str) -> None:
    before = landed(server, "one")
    sent = delivery(site(server.certificate, "two"), room=room)
    ran = send(server, sent)
    assert ran.code == 1
    assert ran.output.startswith(f"This server has no room for release {sent.id}: ")
    assert what in ran.output
    assert server.current == before
    assert server.releases == {before}
    assert audit(server)[-1]["outcome"] == "refused"


def test_where_there_is_room_it_goes_on(server: Machine) -> None:
    sent = delivery(site(server.certificate, "one"), room=PLENTY)
    assert send(server, sent) == Ran(0, f"Release {sent.id} is being served.\n")


def test_another_program_at_nginx_s_port_is_told(server: Machine) -> None:
    listens = (
        "import socket, time; s = socket.create_server(('127.0.0.1', 443)); open('/run/listens', 'w'); time.sleep(60)"
    )
    server.says(f"setsid python3 -c {shlex.quote(listens)} </dev/null &>/dev/null & echo $! > /run/other")
    server.says("until [[ -e /run/listens ]]; do sleep 0.05; done")
    sent = delivery(site(server.certificate, "one"))
    ran = send(server, sent)
    assert ran.code == 1
    assert "another program on this server listens where it should: 127.0.0.1:443" in ran.output
    assert '"python3"' in ran.output
    assert "then run pulumi up again." in ran.output
    assert server.current == ""
    server.says("kill $(< /run/other)")
    assert send(server, delivery(site(server.certificate, "one"))) == Ran(0, f"Release {sent.id} is being served.\n")


# --- the look after ----------------------------------------------------------------------------------

FOOTER = "<footer>粤ICP备2026068982号\n</footer>"


def footed(server: Machine, page: str) -> Delivery:
    files = site(server.certificate, page) | {"snippets/footer.html": f"{FOOTER}\n".encode()}
    sent = delivery(files, pages={"example.cn": "snippets/footer.html"})
    return Delivery(sent.id, sent.uploads, quick(sent.switch))


def test_a_page_must_carry_the_footer_that_is_due(server: Machine) -> None:
    before = landed(server, "one")
    sent = footed(server, "<body>two</body>")
    ran = send(server, sent)
    assert ran.code == 1
    assert f"https://example.cn/ lacks the footer (snippets/footer.html) in release {sent.id}." in ran.output
    assert server.current == before
    server.eventually_serves("one")
    assert send(server, footed(server, "<!doctype html><p>minified")).code == 1
    assert send(server, footed(server, f"<body>three{FOOTER}\n</body>")).code == 0
    references = FOOTER.encode("ascii", "xmlcharrefreplace").decode()
    assert send(server, footed(server, f"<!doctype html><p>in another encoding{references}\n")).code == 0
    assert send(server, footed(server, "a fragment, which nothing is put into")).code == 0


def test_a_page_that_should_get_the_footer_as_it_passes_is_told_of_and_served(server: Machine) -> None:
    def sent(page: str) -> tuple[str, Ran]:
        files = site(server.certificate, page) | {"snippets/footer.html": f"{FOOTER}\n".encode()}
        made = delivery(files, passing={"example.cn": "snippets/footer.html"})
        return made.id, send(server, made)

    id_, ran = sent("<!doctype html><p>an application's, without the tag")
    assert ran.code == 0
    warning, last = ran.output.splitlines()
    assert warning.startswith("Warning: https://example.cn/ came without its footer")
    assert last == f"Release {id_} is being served."
    assert server.current == id_
    for page in (f"<body>three{FOOTER}\n</body>", '{"json": "has none"}'):
        id_, ran = sent(page)
        assert ran == Ran(0, f"Release {id_} is being served.\n")


def test_a_page_must_not_be_an_error(server: Machine) -> None:
    before = landed(server, "one")
    files = site(server.certificate, "two")
    broken = {
        **files,
        "nginx/nginx.conf": files["nginx/nginx.conf"].replace(
            b"location =", b"location = / { return 502; } location ="
        ),
    }
    sent = delivery(broken, pages={"example.cn": ""})
    ran = send(server, replace(sent, switch=quick(sent.switch)))
    assert ran.code == 1
    assert f"https://example.cn/ answers 502 in release {sent.id}." in ran.output
    assert server.current == before
    server.eventually_serves("one")


def test_a_name_must_have_a_certificate_for_it(server: Machine) -> None:
    before = landed(server, "one")
    sent = delivery(site(server.certificate, "two", names="example.cn example.org"), ("example.cn", "example.org"))
    ran = send(server, sent)
    assert ran.code == 1
    assert "https://example.org is served with a certificate that is not for it" in ran.output
    assert server.current == before


# --- a disk that fills half-way ----------------------------------------------------------------------


def test_a_disk_that_is_full_half_way_through_leaves_the_last_release(tmp_path: Path) -> None:
    """The look before said that there is room; then somebody else took it."""
    with machine.running(tmp_path, disk=1_000_000) as small:
        before = landed(small, "one")
        sent = delivery(
            site(small.certificate, "two") | {f"html/noise-{n}.bin": noise(150_000 + n) for n in range(5)},
            room=Room(100_000, 10, 1000),
        )
        for script in sent.uploads:
            small.says(script)
        small.says("head --bytes=500000 /dev/zero > /opt/somebody-else-s")
        ran = small.run(sent.switch)
        assert ran.code != 0
        assert "No space left on device" in ran.output
        told = f"Release {sent.id} could not be put together on the server; nothing was switched.\n"
        assert f"{told}The disk of this server is full; nothing was switched. Make room (" in ran.output
        assert small.current == before
        assert small.releases == {before}
        small.eventually_serves("one")
        small.says("rm /opt/somebody-else-s")
        landed(small, "three")
        small.eventually_serves("three")
