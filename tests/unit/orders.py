"""What tests of ACME orders share: records in a name server or on paper, a clock, signing requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, PrivateKeyTypes

from luodi.certificate import order, propagation
from luodi.certificate.order import Timing
from tests.unit.nameserver import NameServer

KEY = order.new_account_key()
DNS01 = "_acme-challenge."


class Interrupted(BaseException):
    """As KeyboardInterrupt, but no reason for pytest to stop."""


@dataclass
class Published:
    """The records of an order, in a name server; each handle is a serial."""

    server: NameServer
    at_once: int = 1
    issuers: tuple[str, ...] | None = None
    """What the order said a CAA record may name."""
    marks: set[str] = field(default_factory=set)
    swept: int = 0
    made: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    most: int = 0
    """How many were there at once."""

    def check(self, names: Sequence[str], issuers: Sequence[str]) -> None:
        self.issuers = tuple(issuers)

    def sweep(self, mark: str, names: Sequence[str], keep: Collection[tuple[str, str]]) -> None:
        self.swept += 1

    def publish(self, name: str, value: str, mark: str) -> int:
        self.server.publish(name, value)
        self.made.append((name, value))
        self.marks.add(mark)
        self.most = max(self.most, len(self.left()))
        return len(self.made) - 1

    def withdraw(self, handle: int) -> None:
        self.server.withdraw(*self.made[handle])
        self.withdrawn.append(handle)

    def wait(self, wanted: dict[str, list[str]]) -> None:
        server = propagation.NameServer("ns1", self.server.address, self.server.port)
        propagation.wait(wanted, [server], seconds=10)

    def left(self) -> list[str]:
        """The challenge values that are still there."""
        return [value for name, kind in self.server.records if kind == "TXT" for value in self.server.values(name)]


class Unpublished(Published):
    """Says that it publishes, and does not."""

    def publish(self, name: str, value: str, mark: str) -> int:
        self.made.append((name, value))
        return len(self.made) - 1

    def withdraw(self, handle: int) -> None:
        self.withdrawn.append(handle)

    def wait(self, wanted: dict[str, list[str]]) -> None:
        pass


@dataclass
class Remembered:
    """Records that are only written down, and that fail where they are told to."""

    failing: dict[str, BaseException] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)
    at_once: int = 1

    def check(self, names: Sequence[str], issuers: Sequence[str]) -> None:
        self._do(f"check {' '.join(names)}")

    def sweep(self, mark: str, names: Sequence[str], keep: Collection[tuple[str, str]]) -> None:
        self._do(f"sweep but {len(keep)}")

    def publish(self, name: str, value: str, mark: str) -> str:
        return self._do(f"publish {name}")

    def withdraw(self, handle: str) -> None:
        self._do(handle.replace("publish", "withdraw"))

    def wait(self, wanted: dict[str, list[str]]) -> None:
        self._do(f"wait {' '.join(wanted)}")

    def _do(self, what: str) -> str:
        self.did.append(what)
        if failure := self.failing.get(what):
            raise failure
        return what


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def timing(self) -> Timing:
        return Timing(clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def csr(*names: str, key: CertificateIssuerPrivateKeyTypes | None = None) -> str:
    """A signing request for these names (PEM)."""
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def pem(key: PrivateKeyTypes, passphrase: bytes | None = None) -> str:
    protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection).decode()


def names_of(chain: str) -> list[str]:
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
