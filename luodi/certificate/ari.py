"""When an authority wants a certificate renewed (ARI, RFC 9773)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from cryptography import x509

from luodi.authorities import Authority

if TYPE_CHECKING:
    import requests

_SOONEST, _LATEST = timedelta(minutes=1), timedelta(days=1)
"""What Retry-After is held to (section 4.3.2)."""
_UNSAID = timedelta(hours=6)
_SECONDS = 10.0


@dataclass(frozen=True)
class Window:
    """When to renew, as the authority suggests it; times are aware.

    `explanation` is a page of the authority's, `ask_again` when to look for another answer (Retry-After).
    """

    start: datetime
    end: datetime
    ask_again: datetime
    explanation: str | None = None

    def pick(self, certificate: str) -> datetime:
        """A moment in it: the same at every look, another for each certificate id, spread evenly over the window."""
        seed = hashlib.sha256(f"{certificate} {self.start.isoformat()} {self.end.isoformat()}".encode()).digest()
        return self.start + (self.end - self.start) * (int.from_bytes(seed[:8]) / 2**64)

    def to_dict(self) -> dict[str, str | None]:
        """As plain text, to be kept until `ask_again`."""
        return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in asdict(self).items()}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Self:
        """What `to_dict` gave. Raises ValueError or KeyError for anything else."""
        start, end, ask_again = (datetime.fromisoformat(kept[name]) for name in ("start", "end", "ask_again"))
        return cls(start, end, ask_again, kept.get("explanation"))


def certificate_id(chain: str) -> str:
    """The unique identifier of a PEM chain's leaf (section 4.1). Raises ValueError when there is none."""
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        raise ValueError("the certificate has no authority key identifier") from None
    if issuer is None:
        raise ValueError("the certificate has no authority key identifier")
    serial = leaf.serial_number
    parts = issuer, serial.to_bytes(serial.bit_length() // 8 + 1)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def ask(authority: Authority, chain: str, *, now: datetime | None = None, seconds: float = _SECONDS) -> Window | None:
    """What the authority suggests for the leaf of a PEM chain; None when it says nothing, has no ARI or is out of
    reach: then the certificate's own life decides. Two requests, unsigned; never raises for an authority's sake."""
    import requests  # here, so that whoever only reads certificates starts quickly

    now = now or datetime.now(UTC)
    try:
        with requests.Session() as http:
            # With each request: REQUESTS_CA_BUNDLE would take the place of the session's.
            roots = str(authority.roots) if authority.roots else None
            directory = http.get(authority.directory, timeout=seconds, verify=roots).json()
            about = f"{directory['renewalInfo'].rstrip('/')}/{certificate_id(chain)}"
            answer = http.get(about, timeout=seconds, verify=roots)
            answer.raise_for_status()
            return _window(answer, now)
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError):
        return None


def _window(answer: requests.Response, now: datetime) -> Window:
    from luodi.certificate.network import retry_after

    content = answer.json()
    start, end = (_time(content["suggestedWindow"][name]) for name in ("start", "end"))
    if end <= start:
        raise ValueError("a window that ends before it begins")
    asked = retry_after(answer)
    wait = min(max(timedelta(seconds=asked), _SOONEST), _LATEST) if asked > 0 else _UNSAID
    return Window(start, end, now + wait, content.get("explanationURL"))


def _time(text: str) -> datetime:
    """RFC 3339, in UTC where it says nothing."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
