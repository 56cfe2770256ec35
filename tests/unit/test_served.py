"""Which certificate a server shows, and where a site's certificate stands."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from rich.console import Console

from luodi.certificate import served
from luodi.certificate.lifetime import Certificate, Renewal
from luodi.certificate.served import Served
from luodi.certificate.standing import Declared, Standing, State, declared
from luodi.certificate_view import as_json, remarks, show
from luodi.words import Words

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


# --- by TLS --------------------------------------------------------------------------------------


@contextmanager
def serving(authority: trustme.CA, name: str) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with listening() as (listener, port):

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    with context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1)
                except OSError:
                    if listener.fileno() < 0:
                        return

        threading.Thread(target=answer, daemon=True).start()
        yield port


@contextmanager
def listening() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def roots(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(path)
    return path


def test_the_certificate_is_told_and_whether_a_client_takes_it(authority: trustme.CA, roots: Path) -> None:
    with serving(authority, "example.cn") as port:
        seen = served.look("127.0.0.1", "example.cn", port=port, roots=roots)
    assert seen.certificate is not None
    assert seen.certificate.names == ("example.cn",)
    assert Certificate.of(seen.pem) == seen.certificate
    assert (seen.distrust, seen.error) == (None, None)


def test_a_certificate_for_another_name_is_told_with_what_a_client_says(authority: trustme.CA, roots: Path) -> None:
    with serving(authority, "other.cn") as port:
        seen = served.look("127.0.0.1", "example.cn", port=port, roots=roots)
    assert seen.certificate is not None
    assert seen.certificate.names == ("other.cn",)
    assert seen.distrust is not None
    assert "example.cn" in seen.distrust


def test_a_root_that_nobody_knows_is_told(authority: trustme.CA) -> None:
    with serving(authority, "example.cn") as port:
        seen = served.look("127.0.0.1", "example.cn", port=port)
    assert seen.distrust is not None
    assert "certificate" in seen.distrust


def test_nobody_there_is_told() -> None:
    with listening() as (_, port):
        pass
    assert served.look("127.0.0.1", "example.cn", port=port).error == "Connection refused"


def test_a_connection_that_is_cut_is_told_for_what_it_may_be() -> None:
    with listening() as (listener, port):

        def cut() -> None:
            connection, _ = listener.accept()
            connection.recv(1)
            connection.close()

        threading.Thread(target=cut, daemon=True).start()
        seen = served.look("127.0.0.1", "example.cn", port=port)
    assert seen.error is not None
    assert "未备案" in seen.error


def test_silence_ends() -> None:
    with listening() as (_, port):
        assert served.look("127.0.0.1", "example.cn", port=port, seconds=0.2).error == "no answer"


# --- where it stands -----------------------------------------------------------------------------

LEAF = Certificate(
    names=("example.cn", "www.example.cn"),
    issuer="R13",
    serial="2badc0ffee",
    not_before=NOW - 10 * DAY,
    not_after=NOW + 80 * DAY,
    key="ECDSA P-256",
    fingerprint="ab" * 32,
)
DECLARED = Declared(
    domain="example.cn",
    names=LEAF.names,
    public=True,
    issuer="R13",
    not_after=LEAF.not_after,
    renewal=NOW + 50 * DAY,
    fingerprints=(LEAF.fingerprint,),
    authority="https://ca.example/directory",
)
WHY = Words("按有效期", "of its life")
GOOD = Standing("production", DECLARED, (Served("203.0.113.7", LEAF),), Renewal(NOW + 50 * DAY, WHY))
STRANGE = replace(LEAF, fingerprint="cd" * 32, serial="5ca1ab1e", issuer="E5")


@pytest.mark.parametrize(
    ("standing", "state", "said"),
    [
        (GOOD, State.VALID, []),
        (replace(GOOD, plan=Renewal(NOW, WHY)), State.DUE, []),
        (
            replace(GOOD, declared=replace(DECLARED, not_after=NOW)),
            State.EXPIRED,
            ["expired 2026-11-21 06:00 UTC; run `luodi renew --stack production`"],
        ),
        (
            replace(GOOD, served=(Served("203.0.113.7", STRANGE),)),
            State.OTHER,
            ["203.0.113.7 serves another certificate than the stack declares: serial 5ca1ab1e of E5"],
        ),
        (
            replace(GOOD, served=(*GOOD.served, Served("203.0.113.8", error="no answer"))),
            State.OTHER,
            ["203.0.113.8 shows no certificate: no answer"],
        ),
        (
            replace(GOOD, served=(Served("203.0.113.7", error="no answer"),)),
            State.UNSEEN,
            ["203.0.113.7 shows no certificate: no answer"],
        ),
        (
            replace(GOOD, served=(Served("203.0.113.7", LEAF, distrust="self-signed certificate in chain"),)),
            State.VALID,
            ["203.0.113.7: a visitor's browser would not take it: self-signed certificate in chain"],
        ),
    ],
)
def test_how_a_certificate_is(standing: Standing, state: State, said: list[str]) -> None:
    assert standing.state(NOW) is state
    assert standing.wants_renewal(NOW) is (state in (State.DUE, State.EXPIRED))
    told = remarks(standing, NOW)
    assert len(told) == len(said)
    assert all(line.en.startswith(begin) for line, begin in zip(told, said, strict=True))


def test_a_certificate_that_was_bought_is_not_renewed_but_told() -> None:
    due = Renewal(NOW, WHY)
    bought = replace(GOOD, declared=replace(DECLARED, source="files", authority=""), plan=due)
    assert not bought.wants_renewal(NOW)
    [told] = remarks(bought, NOW)
    assert told.en.startswith("was bought and ends 2027-02-09 06:00 UTC; put its successor into luodi:")


def test_a_paragraph_for_people_and_values_for_programs() -> None:
    console = Console(width=60, record=True, force_terminal=False)
    show(console, [GOOD], {"staging": "the stack is not up"}, NOW)
    text = console.export_text()
    for word in (
        "production  example.cn",
        "R13 · ECDSA P-256",
        "80 days",
        "███████████░",
        "of its life",
        "as declared",
    ):
        assert word in text
    assert "staging: the stack is not up" in text
    values = as_json([GOOD], {"staging": "the stack is not up"}, NOW)
    assert values["unknown"] == [{"stack": "staging", "reason": "the stack is not up"}]
    [row] = values["certificates"]
    assert (row["state"], row["daysLeft"], row["serial"]) == ("valid", 80.0, "2badc0ffee")
    assert row["served"] == [
        {
            "address": "203.0.113.7",
            "fingerprint": LEAF.fingerprint,
            "declared": True,
            "trusted": True,
            "reason": None,
        }
    ]


def test_a_paragraph_in_chinese() -> None:
    console = Console(width=60, record=True, force_terminal=False)
    show(console, [GOOD, replace(GOOD, served=(Served("203.0.113.7", error="no answer"),))], {}, NOW, "zh")
    text = console.export_text()
    for word in ("签发者", "80 天，至", "按有效期", "与声明一致：203.0.113.7", "203.0.113.7 没有出示证书：no answer"):
        assert word in text


def test_what_a_stack_exports_of_each_site() -> None:
    def site(domain: str) -> dict[str, object]:
        return {
            "names": [domain],
            "filing": {"public": True},
            "certificate": {
                "issuer": "R13",
                "notAfter": "2027-02-09T06:00:00+00:00",
                "renewal": "2027-01-10T06:00:00+00:00",
                "fingerprints": ["ab" * 32],
                "authority": None,
            },
        }

    main, other = declared({**site("example.cn"), "sites": [site("other.cn")]})
    assert (main.domain, other.domain) == ("example.cn", "other.cn")
    assert main.not_after == LEAF.not_after
    with pytest.raises(KeyError):
        declared({"url": "https://example.cn"})
