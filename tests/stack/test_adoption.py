"""The records of a site that was made by hand, taken over as they are and then switched, by the real engine.

The tests of this module are one story and run in order: each leaves the stack up for the next.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.message
import dns.query
import pytest
import yaml

from tests.cloud import Cloud
from tests.project import Project, Run, Stack, fetch

_DOMAIN = "lao-zi-hao.cn"
_NAMES = (_DOMAIN, f"www.{_DOMAIN}")
_OLD = "203.0.113.7"
_FILED = {"icp": {"number": "沪ICP备2019000123号-1", "approved": "2019-05-06"}}


class Moving:
    """A zone that somebody made by hand, and the stack that its site moves to."""

    def __init__(self, cloud: Cloud, project: Project) -> None:
        self.cloud, self.project = cloud, project
        cloud.call("dnspod", "CreateDomain", {"Domain": _DOMAIN})
        self.ids = {
            _DOMAIN: self._made("@", "A", _OLD, TTL=3600, Remark="老服务器"),
            f"www.{_DOMAIN}": self._made("www", "A", _OLD),
        }
        self._made("@", "MX", "mxbiz1.qq.com.", MX=10)
        self._made("@", "TXT", "v=spf1 include:spf.mail.qq.com ~all")

    def _made(self, name: str, kind: str, value: str, **more: Any) -> int:
        wanted = {
            "Domain": _DOMAIN,
            "SubDomain": name,
            "RecordType": kind,
            "RecordLine": "默认",
            "Value": value,
            **more,
        }
        return int(self.cloud.call("dnspod", "CreateRecord", wanted)["RecordId"])

    def configured(self, dns_section: dict[str, Any] | None = None) -> Stack:
        config = {
            "tencentcloud:region": "ap-shanghai",
            "luodi:site": {"domain": _DOMAIN, "title": "老字号"},
            "luodi:server": {"kind": "cvm", "period": 3},
            "luodi:filing": _FILED,
        }
        return self.project.configure("moved", config | ({"luodi:dns": dns_section} if dns_section else {}))

    @property
    def adopting(self) -> Stack:
        return self.configured({"adopt": self.ids})

    def records(self) -> list[dict[str, Any]]:
        """All that the zone holds, to the last field."""
        return list(self.cloud.call("dnspod", "DescribeRecordList", {"Domain": _DOMAIN})["RecordList"])

    def others(self) -> list[dict[str, Any]]:
        return [one for one in self.records() if one["RecordId"] not in self.ids.values()]

    def modifications(self) -> int:
        """How many records were ever changed in that cloud."""
        return sum(map(self.cloud.count_of, ("ModifyRecord", "ModifyRecordRemark", "ModifyRecordStatus")))

    def answer(self, name: str) -> tuple[str, ...]:
        """The addresses that a visitor is sent to."""
        query = dns.message.make_query(name, "A")
        said = dns.query.udp(query, "127.0.0.1", port=self.cloud.endpoints.dns_port, timeout=10)
        return tuple(sorted(record.to_text() for found in said.answer for record in found))

    @contextmanager
    def watched(self) -> Iterator[set[tuple[str, ...]]]:
        """Every answer that visitors get meanwhile, asked for all the time."""
        answers: set[tuple[str, ...]] = set()
        ended = threading.Event()

        def watch() -> None:
            while not ended.is_set():
                answers.update(self.answer(name) for name in _NAMES)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield answers
        finally:
            ended.set()
            watching.join()


@pytest.fixture(scope="module")
def moving(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moving]:
    before = cloud.counts()
    yield Moving(cloud, Project(tmp_path_factory.mktemp("moving") / "site", cloud.environment()))
    cloud.call("dnspod", "DeleteDomain", {"Domain": _DOMAIN})
    assert cloud.counts() == before


def lines(refused: Run) -> dict[str, Any]:
    """The stack file's lines that a refusal names, as YAML reads them."""
    text = refused.output.partition("by these lines in the stack file:\n")[2]
    indented = [line for line in text.splitlines() if "adopt:" in line or "luodi:dns:" in line or ".cn: " in line]
    return dict(yaml.safe_load("\n".join(indented)))


def test_a_record_of_somebody_s_is_refused_with_the_lines_that_take_it_over(moving: Moving) -> None:
    counts = moving.cloud.counts()
    refused = moving.configured().run("up")
    assert refused.code != 0
    assert f"www.{_DOMAIN} has a record already, which this stack did not make: A {_OLD}" in refused.output
    assert lines(refused) == {"luodi:dns": {"adopt": moving.ids}}, str(refused)
    assert moving.cloud.counts() == counts


@pytest.mark.parametrize(
    ("adopt", "said"),
    [
        ({_DOMAIN: 7}, f"luodi:dns.adopt: RecordId 7 is no record of {_DOMAIN}; there is A {_OLD}"),
        ({f"shop.{_DOMAIN}": 7}, f"luodi:dns.adopt.shop.{_DOMAIN}: is none of the site's names"),
    ],
)
def test_an_id_that_is_not_at_that_name_is_refused(moving: Moving, adopt: dict[str, int], said: str) -> None:
    before = moving.records()
    refused = moving.configured({"adopt": adopt}).run("preview")
    assert refused.code != 0
    assert said in refused.output, str(refused)
    assert moving.records() == before


def test_the_zone_is_not_made_anew(moving: Moving) -> None:
    before = moving.cloud.state()["counts"]
    refused = moving.configured({"manage": "create"}).run("up")
    assert refused.code != 0
    assert f"luodi:dns.manage: the zone {_DOMAIN} is at DNSPod already" in refused.output, str(refused)
    assert moving.cloud.state()["counts"] == before


def test_records_are_taken_over_as_they_are(moving: Moving) -> None:
    before, modified = moving.records(), moving.modifications()
    previewed = moving.adopting.run("preview")
    assert previewed.changes["import"] == 2, str(previewed)
    assert f"still leading where they led: {_DOMAIN}, www.{_DOMAIN}" in previewed.output
    taken = moving.adopting.up()
    assert set(taken.changes) == {"create", "import"}, str(taken)
    assert taken.changes["import"] == 2
    assert moving.records() == before
    assert moving.modifications() == modified
    assert [moving.answer(name) for name in _NAMES] == [(_OLD,), (_OLD,)]


def test_the_site_is_served_at_the_new_server_beside(moving: Moving) -> None:
    address = moving.adopting.outputs()["address"]
    assert address != _OLD
    for name in _NAMES:
        assert fetch(address, moving.cloud.https_port, name, moving.cloud.roots).status == 200


def test_nothing_more_is_to_do_until_they_are_switched(moving: Moving) -> None:
    assert moving.adopting.up().changes == {}
    refreshed = moving.adopting.run("refresh")
    assert (refreshed.code, refreshed.changes) == (0, {}), str(refreshed)


def test_a_stack_that_is_destroyed_before_leaves_them(moving: Moving) -> None:
    before = moving.records()
    gone = moving.adopting.run("destroy")
    assert gone.code == 0, str(gone)
    assert moving.records() == before
    assert moving.adopting.up().changes["import"] == 2
    assert moving.records() == before


def test_they_are_switched_in_place_with_no_moment_without(moving: Moving) -> None:
    others = moving.others()
    stack = moving.configured()
    address = stack.outputs()["address"]
    previewed = stack.run("preview")
    assert previewed.changes == {"update": 2}, str(previewed)
    with moving.watched() as answers:
        assert stack.up().changes == {"update": 2}
    assert answers == {(_OLD,), (address,)}
    assert [moving.answer(name) for name in _NAMES] == [(address,), (address,)]
    switched = {one["RecordId"]: one for one in moving.records()}
    for name in _NAMES:
        record = switched[moving.ids[name]]
        assert (record["Value"], record["TTL"], record["Type"]) == (address, 600, "A")
        assert record["Remark"].endswith("/moved")
    assert moving.others() == others


def test_afterwards_nothing_is_to_do(moving: Moving) -> None:
    preview = moving.configured().run("preview")
    assert (preview.code, preview.changes) == (0, {}), str(preview)
    assert "warning" not in preview.output


def test_afterwards_they_are_the_stack_s_own(moving: Moving) -> None:
    again = moving.adopting.run("preview")
    assert f"RecordId {moving.ids[_DOMAIN]} of {_DOMAIN} is this stack's own already" in again.output, str(again)
    others = moving.others()
    gone = moving.configured().run("destroy")
    assert gone.code == 0, str(gone)
    assert moving.records() == others
