"""Orders that are broken off: killed at every step, left by an authority that dies, or by one that forgets."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from luodi.certificate import order
from luodi.certificate.dnspod import ChallengeRecords
from luodi.certificate.journal import Entry, FileJournal
from luodi.certificate.lifetime import Certificate
from luodi.certificate.order import Account, OrderError, Timing
from tests.parts import forwarder, killed, pebble
from tests.parts.killed import Job
from tests.parts.pebble import Pebble
from tests.unit import nameserver
from tests.unit.fake_dnspod import DnsPod
from tests.unit.nameserver import NameServer
from tests.unit.orders import DNS01, KEY, csr, names_of

ZONE = "example.cn"
IMPATIENT = Timing(sleep=lambda _: None)


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with nameserver.serving(["127.0.0.1"]) as [server]:
        server.publish(ZONE, "ns1.dnspod.test.", kind="NS")
        server.publish("ns1.dnspod.test", server.address, kind="A")
        yield server


@pytest.fixture(scope="module")
def authority(zone: NameServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with pebble.running(tmp_path_factory.mktemp("pebble"), (zone.address, zone.port), bad_nonces=0) as running:
        yield running


@pytest.fixture(scope="module")
def account(authority: Pebble) -> Account:
    found = Account(authority.authority, KEY)
    return replace(found, url=order.register(found))


@pytest.fixture
def dnspod(zone: NameServer) -> DnsPod:
    for known in [known for known in zone.records if known[1] == "TXT"]:
        del zone.records[known]
    return DnsPod([zone])


def records(dnspod: DnsPod) -> ChallengeRecords:
    server = dnspod.servers[0]
    return ChallengeRecords(dnspod.account, ZONE, seconds=10, via=[(server.address, server.port)])


# --- kill -9 -----------------------------------------------------------------------------------------


def test_killed_at_any_step_the_next_run_finishes(
    account: Account, authority: Pebble, dnspod: DnsPod, tmp_path: Path
) -> None:
    """With one certificate for each, and no TXT record left."""
    server = dnspod.servers[0]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.parts.killed"])
    before = authority.issued()

    def job(step: int) -> Job:
        folder = tmp_path / str(step)
        folder.mkdir()
        wanted = csr(f"k{step}.{ZONE}", f"*.k{step}.{ZONE}")
        return Job(account, wanted, (server.address, server.port), cloud, folder)

    def run(jobs: dict[int, Job], *, kill: bool) -> dict[int, int | None]:
        """Several processes at once; the exit code of each."""
        processes = {
            step: context.Process(target=killed.run, args=(one, step if kill else None)) for step, one in jobs.items()
        }
        for process in processes.values():
            process.start()
        for process in processes.values():
            process.join(60)
        return {step: process.exitcode for step, process in processes.items()}

    with killed.answering(dnspod.account) as cloud:
        steps, ended = 0, dict[int, int | None]()
        while 0 not in ended.values():
            jobs = {step: job(step) for step in range(steps + 1, steps + 7)}
            steps += len(jobs)
            ended = run(jobs, kill=True)
            left = {step: one for step, one in jobs.items() if ended[step] != 0}
            assert {ended[step] for step in left} <= {-9}
            assert set(run(left, kill=False).values()) <= {0}
            for step, one in jobs.items():
                assert sorted(names_of(one.chain.read_text())) == [f"*.k{step}.{ZONE}", f"k{step}.{ZONE}"]
                assert not one.journal.exists(), f"step {step}"
    assert steps > 30
    assert authority.issued() - before == steps
    assert dnspod.records == {}


# --- an authority that dies --------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["publish", "wait", "withdraw"])
def test_an_authority_that_dies_in_the_middle(
    when: str, account: Account, authority: Pebble, dnspod: DnsPod, tmp_path: Path
) -> None:
    """What was begun is finished when it is back: the same order, one certificate, no record left."""
    journal, wanted, before = FileJournal(tmp_path / "order.json"), csr(f"{when}.{ZONE}"), authority.issued()
    with forwarder.in_front_of(authority.authority) as front:
        account = replace(account, authority=front.authority, url=None)
        dying = records(dnspod)
        done = getattr(dying, when)

        def die(*args: object) -> object:
            front.die()
            return done(*args)

        setattr(dying, when, die)
        with pytest.raises(OrderError, match="Connection refused") as caught:
            order.obtain(account, wanted, dying, journal=journal, timing=IMPATIENT)
        assert caught.value.passing
        assert dnspod.records == {}
        begun = Entry.from_text(journal.load())
        assert begun is not None
        front.start()
        told: list[str] = []
        chain = order.obtain(account, wanted, records(dnspod), journal=journal, tell=told.append)
        assert names_of(chain) == [f"{when}.{ZONE}"]
        assert told[0] == "finishing the order that an interrupted run began"
        assert Entry.from_text(journal.load()) == begun
    assert authority.issued() == before + 1
    assert dnspod.records == {}


def test_the_next_of_several_is_tried_and_what_it_began_is_finished_there(
    account: Account, authority: Pebble, dnspod: DnsPod, tmp_path: Path
) -> None:
    journal, wanted, told = FileJournal(tmp_path / "order.json"), csr(f"several.{ZONE}"), list[str]()
    with forwarder.in_front_of(authority.authority) as front:
        first, second = replace(account, authority=front.authority, url=None), account
        front.die()
        obtained = order.obtain_from(
            [first, second], wanted, records(dnspod), journal=journal, timing=IMPATIENT, tell=told.append
        )
        assert obtained.account == second
        assert told[0].startswith(f"{front.authority.directory} can't be reached: ")
        assert told[0].endswith(f"Trying {second.authority.directory} instead")
        front.start()
        again = order.obtain_from([first, second], wanted, records(dnspod), journal=journal)
    # The journal was not cleared: the same certificate, not another one.
    assert (again.chain, again.account) == (obtained.chain, obtained.account)


def test_all_of_several_are_told(account: Account, dnspod: DnsPod) -> None:
    dead = [replace(account, authority=order.Authority(f"http://127.0.0.1:{port}/dir")) for port in (1, 2)]
    with pytest.raises(OrderError) as caught:
        order.obtain_from(dead, csr(f"dead.{ZONE}"), records(dnspod), timing=IMPATIENT)
    assert str(caught.value).startswith("no authority issues just now: http://127.0.0.1:1/dir can't be reached: ")
    assert "; http://127.0.0.1:2/dir can't be reached: " in str(caught.value)
    assert caught.value.passing


def test_a_mistake_is_not_tried_elsewhere(account: Account, dnspod: DnsPod) -> None:
    told: list[str] = []
    with pytest.raises(OrderError, match="rejectedIdentifier"):
        order.obtain_from([account, account], csr(f"a.{ZONE}", "blocked.example"), Anywhere(dnspod), tell=told.append)
    assert told == []


class Anywhere(ChallengeRecords):
    """That has no opinion of names."""

    def __init__(self, dnspod: DnsPod) -> None:
        super().__init__(dnspod.account, ZONE, seconds=0)

    def check(self, *_: object) -> None:
        pass


# --- what a journal says -----------------------------------------------------------------------------


def test_a_journal_that_was_not_cleared_gives_no_old_certificate(
    account: Account, dnspod: DnsPod, tmp_path: Path
) -> None:
    """The same key and CSR at the renewal: the journal still leads to the certificate that is to be replaced."""
    journal, wanted = FileJournal(tmp_path / "order.json"), csr(f"pinned.{ZONE}")
    first = order.obtain(account, wanted, records(dnspod), journal=journal)
    assert order.obtain(account, wanted, records(dnspod), journal=journal) == first
    renewed = order.obtain(account, wanted, records(dnspod), replaces=first, journal=journal)
    assert Certificate.of(renewed).serial != Certificate.of(first).serial
    later = Timing(now=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(minutes=4))
    assert order.obtain(account, wanted, records(dnspod), journal=journal, timing=later) == renewed


@pytest.mark.parametrize("text", ["", "{", "[]", '{"order": 5}', '{"directory": "x"}'])
def test_a_journal_that_says_nothing_of_use(text: str, account: Account, dnspod: DnsPod, tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "order.json")
    journal.save(text)
    assert names_of(order.obtain(account, csr(f"junk.{ZONE}"), records(dnspod), journal=journal))


@pytest.mark.parametrize("field", ["directory", "account", "request", "profile", "order"])
def test_the_journal_of_another_order(field: str, account: Account, dnspod: DnsPod, tmp_path: Path) -> None:
    """Of another authority, account, request or profile, or one that is gone: a new order is made."""
    journal, wanted = FileJournal(tmp_path / "order.json"), csr(f"other.{ZONE}")
    order.obtain(account, wanted, records(dnspod), journal=journal)
    entry = Entry.from_text(journal.load())
    assert entry is not None
    other = f"{account.authority.directory.removesuffix('dir')}my-order/none" if field == "order" else "another"
    journal.save(replace(entry, **{field: other}).to_text())
    assert names_of(order.obtain(account, wanted, records(dnspod), journal=journal)) == [f"other.{ZONE}"]
    found = Entry.from_text(journal.load())
    assert found is not None
    assert found.order not in (entry.order, other)


def test_an_order_that_failed_is_made_anew(account: Account, dnspod: DnsPod, tmp_path: Path) -> None:
    journal, wanted = FileJournal(tmp_path / "order.json"), csr(f"failed.{ZONE}")
    failing = records(dnspod)
    failing.wait = lambda wanted: dnspod.servers[0].records.pop((f"{DNS01}failed.{ZONE}", "TXT"))  # type: ignore[assignment, method-assign]
    dnspod.account.answers["DeleteRecord"] = lambda asked: {"gone": dnspod.records.pop(asked["RecordId"])}
    with pytest.raises(OrderError, match="could not validate it: unauthorized"):
        order.obtain(account, wanted, failing, journal=journal)
    assert dnspod.records == {}
    assert names_of(order.obtain(account, wanted, records(DnsPod(dnspod.servers)), journal=journal))


def test_two_runs_at_once_of_one_journal_wait_for_each_other(tmp_path: Path) -> None:
    seen: list[str] = []

    def one(name: str) -> None:
        with FileJournal(tmp_path / "order.json").held():
            seen.append(f"{name} begins")
            seen.append(f"{name} ends")

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(one, ["first", "second"]))
    assert [word.split()[0] for word in seen[::2]] == [word.split()[0] for word in seen[1::2]]


def test_what_is_left_is_swept_also_when_the_journal_is_lost(account: Account, dnspod: DnsPod) -> None:
    """The process was killed, and so was the machine that kept the journal."""
    wanted, seen = csr(f"lost.{ZONE}"), set[str]()
    create = dnspod.account.answers["CreateRecord"]

    def remembering(asked: dict[str, object]) -> dict[str, object]:
        seen.add(str(asked["Remark"]))
        return create(asked)

    dnspod.account.answers["CreateRecord"] = remembering
    order.obtain(account, wanted, records(dnspod))
    [remark] = seen
    dnspod.put("_acme-challenge.lost", "of the order that nobody remembers", remark)
    assert names_of(order.obtain(account, wanted, records(dnspod))) == [f"lost.{ZONE}"]
    assert dnspod.records == {}
