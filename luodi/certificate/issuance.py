"""One certificate, from signing request to chain: the steps of an ACME order (RFC 8555, section 7.4).

Polling is done here, not by the acme library, whose own sleeps a second before its first look; and it is the order
that is polled, one request for all names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self

import acme.errors
import requests
from acme import challenges, messages
from josepy import jwk

from luodi.authorities import Authority
from luodi.certificate.journal import Entry, Journal
from luodi.certificate.lifetime import Certificate
from luodi.certificate.network import Timing, pause
from luodi.certificate.problems import NotAcme, OrderError, code, contents, explained, is_passing, told
from luodi.certificate.request import SigningRequest, ascii_name
from luodi.certificate.session import Account, Session, Sessions, base64url

_OF_AN_ORDER = ("status", "authorizations", "finalize")
_WITHOUT_REPLACES = frozenset({"alreadyReplaced", "malformed", "unauthorized", "notFound", "conflict"})
_FIRST_LOOK = 0.015
"""Seconds before an authority is first asked whether it is done; each further look waits longer."""
_SETTLING_SECONDS = 10.0
"""After one name has failed, how long the others are waited for, so that all are told at once."""


class Records(Protocol):
    """Where TXT records are made and taken away. `publish` and `withdraw` are called from `at_once` threads."""

    at_once: int

    def check(self, names: Sequence[str], issuers: Sequence[str]) -> None:
        """Raise, before an order is spent, where challenges for these host names can't be published, or where a CAA
        record forbids an authority that is called by these `issuers` (none: its names are not known)."""

    def publish(self, name: str, value: str, mark: str) -> Any:
        """Make a TXT record at the full name, and give what `withdraw` needs to find that very record.

        `mark` tells which certificate's order it is for: `sweep` knows the record by it.
        """

    def withdraw(self, handle: Any) -> None:
        """Take that record away, and no other at its name; nothing to do when it is gone already."""

    def sweep(self, mark: str, names: Sequence[str], keep: Collection[tuple[str, str]]) -> None:
        """Take away what interrupted orders of this mark, for these host names, have left, but for the TXT names and
        values to `keep`."""

    def wait(self, wanted: dict[str, list[str]]) -> None:
        """Return once every authoritative server answers with the values of every name."""


@dataclass(frozen=True)
class Issuance:
    """A certificate that was issued before: what counts towards its authority's limit of duplicates.

    `directory` is the authority's; without one it may have been any, and counts for each.
    """

    names: tuple[str, ...]
    at: datetime
    directory: str | None = None

    def to_text(self) -> str:
        """When, and where."""
        return f"{self.at.isoformat()} {self.directory or ''}".rstrip()

    @classmethod
    def from_text(cls, text: str, names: Sequence[str]) -> Self:
        """What `to_text` gave, with the names. Raises ValueError for anything else."""
        at, _, directory = text.partition(" ")
        return cls(tuple(names), datetime.fromisoformat(at), directory or None)


@dataclass(frozen=True)
class Run:
    """One certificate to be had, from whichever account."""

    request: SigningRequest
    records: Records
    replaces: str | None
    issued: tuple[Issuance, ...]
    journal: Journal | None
    sessions: Sessions | None
    timing: Timing
    tell: Callable[[str], None]

    def at(self, account: Account) -> str:
        """Have it from this account; the chain. Raises OrderError, or what the records raise."""
        with ExitStack() as stack:
            session = (self.sessions or stack.enter_context(Sessions(self.timing))).of(account)
            stack.enter_context(session.explaining())
            session.check_clock()
            chain = self._finished(session, account.profile) or self._ordered(session, account.profile)
            return chain.removesuffix("\n") + "\n"

    def check(self, account: Account) -> None:
        """Raise OrderError, or what the records raise, for whatever can be known to be wrong without an order."""
        with Session(account, self.timing) as session, session.explaining():
            session.check_clock()
            self._check(session, account.profile)

    def _finished(self, session: Session, profile: str | None) -> str | None:
        """The chain of the order that an interrupted run was at; None where there is none to be finished."""
        entry = Entry.from_text(self.journal.load()) if self.journal else None
        if entry is None or entry != self._entry(session, profile, entry.order):
            return None
        try:
            with session.explaining():
                session.ensure_account()
                order = _Order(entry.order, contents(session.get(entry.order), *_OF_AN_ORDER))
                if order.status == "invalid":
                    return None
                self.tell("finishing the order that an interrupted run began")
                chain = self._through(session, order)
        except OrderError as error:
            if error.passing:
                raise
            self.tell(f"the order of an interrupted run can't be finished: {error}. Ordering anew")
            return None
        return None if self._stale(chain) else chain

    @property
    def _replaced(self) -> Certificate | None:
        """The certificate that is renewed; None where there is none, or it can't be read."""
        try:
            return Certificate.of(self.replaces) if self.replaces else None
        except ValueError:
            return None

    def _stale(self, chain: str) -> bool:
        """Whether it is the certificate that is to be replaced, or as old: a journal that was not cleared."""
        certificate = Certificate.of(chain)
        replaced = self._replaced
        return (replaced is not None and certificate.serial == replaced.serial) or certificate.due(self.timing.now())

    def _ordered(self, session: Session, profile: str | None) -> str:
        self._check(session, profile)
        order = self._new_order(session, profile)
        if self.journal is not None:
            self.journal.save(self._entry(session, profile, order.url).to_text())
        return self._through(session, order)

    def _check(self, session: Session, profile: str | None) -> None:
        session.check_profile(profile)
        most, has = session.authority.most_names(profile), len(self.request.names)
        if most is not None and has > most:
            of_profile = f" of profile {profile}" if profile else ""
            raise OrderError(
                f"{session.authority} puts at most {most} names on one certificate{of_profile}, not {has}: "
                "split them, or use a wildcard"
            )
        if "renewalInfo" not in session.directory or self._replaced is None:
            self._check_duplicates(session.authority)
        session.check_binding()
        self.records.check(self.request.names, session.issuers)

    def _check_duplicates(self, authority: Authority) -> None:
        limit, now, names = authority.duplicates, self.timing.now(), set(self.request.names)
        if limit is None:
            return
        theirs = [one for one in self.issued if one.directory in (None, authority.directory)]
        left = limit.left((one.at for one in theirs if set(map(ascii_name, one.names)) == names), now)
        said = f"{authority} issues {limit.count} certificates of the same names in {limit.window.days} days"
        if left < 1:
            raise OrderError(
                f"{said}: the next can be had from {now + limit.wait(left):%Y-%m-%d %H:%M} UTC. For tries, use "
                f"{authority.staging or 'a staging authority'}",
                kind="rateLimited",
                passing=True,
            )
        if left < 2:
            self.tell(f"{said}; this is the last before {now + limit.wait(left - 1):%Y-%m-%d %H:%M} UTC")

    def _new_order(self, session: Session, profile: str | None) -> _Order:
        content: dict[str, Any] = {"identifiers": [{"type": "dns", "value": name} for name in self.request.names]}
        if profile is not None:
            content["profile"] = profile
        if (replaced := self._replaced) and replaced.id and "renewalInfo" in session.directory:
            content["replaces"] = replaced.id
        session.ensure_account()
        for _ in range(3):
            try:
                return _Order.of(session.post(session.directory["newOrder"], content))
            except acme.errors.ConflictError:
                if content.pop("replaces", None) is None:
                    raise
            except messages.Error as error:
                if code(error) == "accountDoesNotExist" and session.account.url is not None:
                    self.tell(f"{session.where} does not know the account; registering it again")
                    session.register()
                elif code(error) not in _WITHOUT_REPLACES or content.pop("replaces", None) is None:
                    raise
        return _Order.of(session.post(session.directory["newOrder"], content))

    def _entry(self, session: Session, profile: str | None, order: str) -> Entry:
        return Entry(session.where, session.thumbprint, self.request.digest, profile or "", order)

    def _mark(self, session: Session) -> str:
        """Which certificate it is, whichever order: the same account, key and names."""
        return hashlib.sha256(f"{session.thumbprint} {self.request.digest}".encode()).hexdigest()[:12]

    def _through(self, session: Session, order: _Order) -> str:
        if order.status == "pending":
            self._validate(session, order)
        else:
            self.records.sweep(self._mark(session), self.request.names, ())
        chain = self._issue(session, order)
        self.request.match_chain(chain)
        return chain

    def _validate(self, session: Session, order: _Order) -> None:
        found = session.each(lambda url: _Authorization.read(session, url), order.content["authorizations"])
        tasks = [one.task(session.key) for one in found if one.body.status == messages.STATUS_PENDING]
        mark, made = self._mark(session), list[tuple[str, Any]]()

        def publish(task: _Task) -> None:
            made.append((task.record, self.records.publish(task.record, task.value, mark)))

        try:
            self.records.sweep(mark, self.request.names, {(task.record, task.value) for task in tasks})
            self._several(publish, tasks)
            if tasks:
                self.records.wait(_by_name(tasks))
            session.each(lambda task: session.post(task.challenge, {}), tasks)
            self._await_validation(session, order)
        except Exception as error:
            if left := self._withdraw(made):
                understood = explained(error, session.where)
                raise OrderError(
                    f"{understood}. Besides, {left}", kind=understood.kind, passing=understood.passing
                ) from error
            raise
        except BaseException:
            self._withdraw(made)
            raise
        if left := self._withdraw(made):
            self.tell(f"{left}. The certificate is issued all the same, and the next order tries again")

    def _await_validation(self, session: Session, order: _Order) -> None:
        end, seconds = self.timing.clock() + self.timing.validation, _FIRST_LOOK
        self.timing.sleep(seconds)
        while True:
            answer = session.get(order.url)
            order.read(answer)
            if order.status == "invalid":
                raise self._failed(session, order)
            if order.status != "pending":
                return
            if self.timing.clock() > end:
                raise self._unfinished(session, order)
            seconds = pause(answer, seconds, self.timing)

    def _failed(self, session: Session, order: _Order) -> OrderError:
        """Why, for each name; those that are still being validated are waited for."""
        end, seconds = self.timing.clock() + _SETTLING_SECONDS, _FIRST_LOOK
        while True:
            found = session.each(lambda url: _Authorization.read(session, url), order.content["authorizations"])
            if all(one.body.status != messages.STATUS_PENDING for one in found) or self.timing.clock() > end:
                break
            self.timing.sleep(seconds)
            seconds = min(seconds * 2, 2.0)
        failures = [one for one in found if one.body.status not in (messages.STATUS_VALID, messages.STATUS_PENDING)]
        if not failures:
            return order.failure()
        errors = [error for one in failures for error in one.errors]
        return OrderError(
            "; ".join(one.failure() for one in failures),
            kind=code(errors[0]) if errors else None,
            passing=bool(errors) and all(map(is_passing, errors)),
        )

    def _unfinished(self, session: Session, order: _Order) -> OrderError:
        found = session.each(lambda url: _Authorization.read(session, url), order.content["authorizations"])
        names = [one.name for one in found if one.body.status == messages.STATUS_PENDING]
        return OrderError(
            f"{', '.join(names) or 'the order'}: the authority did not finish validating within "
            f"{self.timing.validation:g} s",
            passing=True,
        )

    def _issue(self, session: Session, order: _Order) -> str:
        end, seconds, finalized = self.timing.clock() + self.timing.issuance, _FIRST_LOOK, False
        while not (order.status == "valid" and order.content.get("certificate")):
            if order.status == "invalid":
                raise order.failure()
            if self.timing.clock() > end:
                raise OrderError(f"the authority issued nothing within {self.timing.issuance:g} s", passing=True)
            if order.status == "ready" and not finalized:
                answer, finalized = self._finalize(session, order), True
            else:
                answer = session.get(order.url)
            order.read(answer)
            if order.status not in ("valid", "invalid"):
                seconds = pause(answer, seconds, self.timing)
        return str(session.get(order.content["certificate"]).text)

    def _finalize(self, session: Session, order: _Order) -> requests.Response:
        try:
            return session.post(order.content["finalize"], {"csr": base64url(self.request.der)})
        except messages.Error as error:
            if code(error) != "orderNotReady":
                raise
            return session.get(order.url)  # it was finalized before, by a request whose answer was lost

    def _several(self, do: Callable[[_Task], None], tasks: Sequence[_Task]) -> None:
        if self.records.at_once < 2 or len(tasks) < 2:
            for task in tasks:
                do(task)
            return
        with ThreadPoolExecutor(max_workers=self.records.at_once) as pool:
            list(pool.map(do, tasks))

    def _withdraw(self, made: Sequence[tuple[str, Any]]) -> str:
        """Take every record away, also when taking one away fails; what is left, if anything."""
        left = []
        for name, handle in made:
            try:
                self.records.withdraw(handle)
            except Exception as error:
                left.append(f"its TXT record at {name} could not be taken away, delete it: {error}")
        return "; ".join(left)


@dataclass
class _Order:
    url: str
    content: dict[str, Any]

    @classmethod
    def of(cls, answer: requests.Response) -> _Order:
        if "Location" not in answer.headers:
            raise NotAcme(answer)
        return cls(answer.headers["Location"], contents(answer, *_OF_AN_ORDER))

    def read(self, answer: requests.Response) -> None:
        """Know what an answer says of it."""
        self.content = contents(answer, *_OF_AN_ORDER)

    @property
    def status(self) -> str:
        return str(self.content["status"])

    def failure(self) -> OrderError:
        error = messages.Error.from_json(self.content["error"]) if self.content.get("error") else None
        return OrderError(
            f"the authority ended the order without a certificate: {told(error) if error else 'no reason given'}",
            kind=code(error) if error else None,
            passing=is_passing(error),
        )


@dataclass(frozen=True)
class _Task:
    record: str
    value: str
    challenge: str


@dataclass(frozen=True)
class _Authorization:
    body: messages.Authorization

    @classmethod
    def read(cls, session: Session, url: str) -> _Authorization:
        return cls(messages.Authorization.from_json(contents(session.get(url))))

    @property
    def name(self) -> str:
        return str(self.body.identifier.value)

    @property
    def errors(self) -> list[messages.Error]:
        return [one.error for one in self.body.challenges if one.error is not None]

    def task(self, key: jwk.JWK) -> _Task:
        for one in self.body.challenges:
            if isinstance(one.chall, challenges.DNS01):
                return _Task(one.chall.validation_domain_name(self.name), one.chall.validation(key), one.uri)
        raise OrderError(f"{self.name}: the authority offers no DNS-01 challenge")

    def failure(self) -> str:
        reasons = "; ".join(map(told, self.errors)) or self.body.status.name
        return f"{self.name}: the authority could not validate it: {reasons}"


def _by_name(tasks: Sequence[_Task]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for task in tasks:
        names.setdefault(task.record, []).append(task.value)
    return names
