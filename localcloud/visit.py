"""A look at a site as a visitor has it, trusting only the roots that are named."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

from localcloud.errors import LocalcloudError

SECONDS = 10.0
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


@dataclass(frozen=True)
class Visit:
    """What a site answered, and with which certificate."""

    status: int
    title: str
    footer: str
    """The footer's text, each link followed by its address; "" where there is none."""
    issuer: str
    expires: datetime
    chain: tuple[str, ...]
    """Subjects, from the site's own certificate to the root that is trusted."""


def visit(url: str, address: str, port: int, roots: Path) -> Visit:
    """Fetch `url` from `address`:`port`, verifying its certificate against `roots` (PEM) alone.

    Raises LocalcloudError where it can't be reached or isn't who it should be.
    """
    name = urlsplit(url).hostname or ""
    context = ssl.create_default_context(cafile=str(roots))
    try:
        with (
            socket.create_connection((address, port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            certificate = secure.getpeercert() or {}
            connection = http.client.HTTPConnection(name, timeout=SECONDS)
            connection.sock = secure
            connection.request("GET", urlsplit(url).path or "/", headers={"Host": name})
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message
        raise LocalcloudError(f"{url} at {address}:{port}: its certificate can't be trusted: {reason}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise LocalcloudError(f"{url} can't be opened at {address}:{port}: {error}.") from error
    page = _Page()
    page.feed(text)
    return Visit(
        status=response.status,
        title=page.title.strip(),
        footer=" ".join(page.footer.split()),
        issuer=_common_name(certificate.get("issuer", ())),
        expires=datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC),
        chain=_chain(name, address, port, roots),
    )


class _Page(HTMLParser):
    """The title and the footer of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.title = self.footer = ""
        self._in_title = False
        self._depth = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Follow where the parser is."""
        values = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        starts = tag == "footer" or "footer" in values.get("class", "")
        if tag not in _VOID and (self._depth or starts):
            self._depth += 1
        if self._depth and tag == "a":
            self._links.append(values.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        """Follow where the parser is."""
        self._in_title = False
        if not self._depth or tag in _VOID:
            return
        self._depth -= 1
        if tag == "a":
            self.footer += f" <{self._links.pop()}>"
        self.footer += " "

    def handle_data(self, data: str) -> None:
        """Keep the text that is looked for."""
        if self._in_title:
            self.title += data
        if self._depth:
            self.footer += data


def _common_name(name: object) -> str:
    """Return the common name, else the whole, of a name as the ssl module gives it."""
    parts = dict(pair for group in name for pair in group) if isinstance(name, tuple) else {}
    return parts.get("commonName") or ", ".join(parts.values())


def _chain(name: str, address: str, port: int, roots: Path) -> tuple[str, ...]:
    """Return the chain as OpenSSL, the second opinion, verified it."""
    site = ["-connect", f"{address}:{port}", "-servername", name, "-verify_hostname", name]
    trust = ["-CAfile", str(roots), "-no-CApath", "-no-CAstore", "-verify_return_error"]
    shown = subprocess.run(
        ["openssl", "s_client", *site, *trust],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    links = re.findall(r"^ *\d+ s:(.*)\n +i:(.*)$", shown.stdout, re.MULTILINE)
    if shown.returncode or not links:
        reason = next((line for line in shown.stderr.splitlines() if "error" in line), shown.stderr.strip())
        raise LocalcloudError(f"OpenSSL doesn't trust {name} at {address}:{port}: {reason}.")
    subjects = [subject for subject, _ in links] + [links[-1][1]]
    # An ACME certificate names its sites elsewhere and may have no subject at all.
    return tuple(match[1] if (match := re.search(r"CN ?= ?([^,]+)", subject)) else name for subject in subjects)
