"""What is wrong with what was seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from luodi.doctor import markup
from luodi.doctor.findings import Finding, found
from luodi.doctor.observed import Answer, Expected, Host, Seen, Tls
from luodi.doctor.pages import Page, read

CHECKS = ("dns", "ports", "tls", "http", "headers", "footer", "mini-program")

_SOON_DAYS = 7
_SLOW_SECONDS = 3.0
_RSA_BITS, _EC_BITS = 2048, 256
# X509_V_ERR of OpenSSL's x509_vfy.h.
_EXPIRED, _NAME, _SELF_SIGNED, _UNCHAINED = {10}, {62}, {18, 19}, {2, 20, 21}
_BLOCKED = re.compile(
    r"(?:该|此|您的|本)?(?:网站|域名)[^<>。]{0,20}(?:未备案|没有备案|未完成备案|暂时无法访问)|dnspod\.qcloud\.com/static/webblock"
)


def judge(seen: Seen, expected: Expected, now: datetime) -> list[Finding]:
    """Every finding about a site, in the order of the checks. `now` is aware of its time zone."""
    return [
        *_dns(seen, expected),
        *(found("open-port", seen.target.name, port=port) for port in seen.open_ports),
        *(finding for host in seen.hosts if host.tls for finding in _tls(host.name, host.tls, now)),
        *_http(seen),
        *(finding for host in seen.hosts if _is_page(host.https) for finding in _headers(host)),
        *(finding for host in seen.hosts if _is_page(host.https) for finding in _content(host, expected)),
        *_footers(seen, expected),
        *_mini_program(seen),
    ]


def looked_at(seen: Seen) -> tuple[str, ...]:
    """The checks that what was seen allows: of a site that can't be reached nothing is known to be right."""
    reached = any(host.resolved.addresses for host in seen.hosts)
    shaken = any(host.tls and not host.tls.error for host in seen.hosts)
    answered = any(_is_page(host.https) for host in seen.hosts)
    allowed = {"dns": True, "ports": reached, "tls": shaken, "http": reached, "mini-program": shaken}
    return tuple(check for check in CHECKS if allowed.get(check, answered))


def _dns(seen: Seen, expected: Expected) -> Iterator[Finding]:
    for host in seen.hosts:
        addresses = host.resolved.addresses
        if not addresses:
            yield found("unresolved", host.name, why=host.resolved.error or "NODATA")
        elif expected.address and expected.address not in addresses:
            yield found("other-address", host.name, found=", ".join(addresses), wanted=expected.address)
        elif len(addresses) > 1:
            yield found("several-addresses", host.name, found=", ".join(addresses))
        if expected.address and host.resolved.six:
            yield found("ipv6-elsewhere", host.name, found=", ".join(host.resolved.six))
    if any(host.resolved.addresses for host in seen.hosts):
        if not seen.caa:
            yield found("no-caa", seen.target.name)
        if expected.address and seen.name_servers and not any("dnspod" in one.lower() for one in seen.name_servers):
            yield found("not-dnspod", seen.target.name, found=", ".join(seen.name_servers))


def _tls(name: str, tls: Tls, now: datetime) -> Iterator[Finding]:
    if tls.error:
        yield found("tls-none", name, why=tls.error)
        return
    if not tls.modern:
        yield found("tls-old-only", name)
    elif tls.old:
        yield found("tls-old", name, versions=", ".join(tls.old))
    if tls.bits and tls.bits < (_RSA_BITS if tls.key == "RSA" else _EC_BITS):
        yield found("weak-key", name, key=tls.key, bits=tls.bits)
    if "STAGING" in tls.issuer.upper():
        yield found("certificate-staging", name)
        return
    expired = tls.not_after is not None and tls.not_after <= now
    if tls.not_after and expired:
        yield found("certificate-expired", name, day=tls.not_after.date())
    elif tls.not_after and tls.not_after - now < timedelta(days=_SOON_DAYS):
        yield found("certificate-ending", name, day=tls.not_after.date(), days=_SOON_DAYS)
    if tls.verify_code in _NAME:
        yield found("certificate-name", name)
    elif tls.verify_code in _SELF_SIGNED:
        yield found("certificate-self-signed", name)
    elif tls.verify_code in _UNCHAINED:
        yield found("certificate-chain", name, message=tls.verify_message)
    elif tls.verify_code and not (expired and tls.verify_code in _EXPIRED) and tls.modern:
        yield found("certificate-refused", name, message=tls.verify_message)


def _is_page(answer: Answer | None) -> bool:
    return answer is not None and answer.status == 200


def _http(seen: Seen) -> Iterator[Finding]:
    for host in seen.hosts:
        if (page := host.https) is not None:
            yield from _first_page(host, page)
        if (plain := host.http) is not None and not (host.https and _is_blocked(host.https)):
            if _is_blocked(plain):
                yield found("blocked", host.name)
            elif 200 <= plain.status < 300 or (plain.status // 100 == 3 and not _leads_to_https(plain)):
                yield found("no-redirect", host.name)
    yield from _leading(seen)
    if seen.bare and 200 <= seen.bare.status < 300:
        yield found("bare-address", seen.target.name)


def _leading(seen: Seen) -> Iterator[Finding]:
    """Of pages that lead on: to nowhere, or to somebody else."""
    names = {host.name for host in seen.hosts}
    leads = {
        host.name: urljoin(f"{seen.target.origin(host.name)}/", host.https.headers["location"])
        for host in seen.hosts
        if host.https and _is_redirect(host.https)
    }
    plain = {host.name: host.http for host in seen.hosts if host.http}
    for name, location in leads.items():
        there = _host_of(location)
        if there == name and location.lower().startswith("http:"):
            yield from _led_to_http(name, location, plain.get(name, Answer()))
        elif there == name and _port_of(location) != seen.target.https_port:
            yield found("leads-elsewhere", name, found=location)
        # What stays on the site has been followed as far as a browser would.
        elif there == name or name == _host_of(leads.get(there)):
            yield found("redirect-loop", name)
        elif there not in names:
            yield found("leads-elsewhere", name, found=there or location)


def _led_to_http(name: str, location: str, plain: Answer) -> Iterator[Finding]:
    """Of an https page that leads to http; where that is answered by a page, it has been told that it should lead to
    https."""
    if _leads_to_https(plain):
        yield found("redirect-loop", name)
    elif plain.error:
        yield found("no-page", name, why=f"{location}: {plain.error}")
    elif plain.status >= 400:
        yield found("error-page", name, status=plain.status)


def _is_redirect(answer: Answer) -> bool:
    return answer.status // 100 == 3 and "location" in answer.headers


def _first_page(host: Host, page: Answer) -> Iterator[Finding]:
    if page.error:
        if not (host.tls and host.tls.error):
            yield found("no-page", host.name, why=page.error)
        return
    if _is_blocked(page):
        yield found("blocked", host.name)
    elif not _is_page(page) and not _is_redirect(page):
        yield found("error-page", host.name, status=page.status)
    if page.truncated:
        yield found("huge-page", host.name)
    if page.seconds > _SLOW_SECONDS:
        yield found("slow", host.name, seconds=round(page.seconds, 1))


def _is_blocked(answer: Answer) -> bool:
    if _BLOCKED.search(answer.headers.get("location", "")):
        return True
    # A page that has a number is the site's own, and may speak of sites that have none.
    return bool(_BLOCKED.search(answer.body)) and not read(answer.body).icp


def _leads_to_https(answer: Answer) -> bool:
    return answer.headers.get("location", "").lower().startswith("https://")


def _headers(host: Host) -> Iterator[Finding]:
    headers = host.https.headers if host.https else {}
    if "strict-transport-security" not in headers:
        yield found("no-hsts", host.name)
    if headers.get("x-content-type-options", "").lower() != "nosniff":
        yield found("no-nosniff", host.name)
    if "content-security-policy" not in headers:
        yield found("no-csp", host.name)
    told = [value for key in ("server", "x-powered-by") if re.search(r"\d", value := headers.get(key, ""))]
    if told:
        yield found("server-version", host.name, found=", ".join(told))


def _content(host: Host, expected: Expected) -> Iterator[Finding]:
    page = host.https
    if page is None or _is_blocked(page):
        return
    told = markup.read(page.body, f"https://{host.name}{page.path}")
    if told.insecure:
        yield found("mixed-content", host.name, found=", ".join(told.insecure))
    if told.foreign:
        yield found("foreign-host", host.name, found=", ".join(told.foreign))
    if told.listing:
        yield found("folder-listing", host.name)
    if expected.indexed and (told.hidden or "noindex" in page.headers.get("x-robots-tag", "").lower()):
        yield found("not-indexed", host.name)
    if open_ := [cookie.partition("=")[0].strip() for cookie in page.cookies if not _is_guarded(cookie)]:
        yield found("cookie-unguarded", host.name, found=", ".join(dict.fromkeys(open_)))
    if host.exposed:
        yield found("exposed-file", host.name, found=", ".join(host.exposed))


def _is_guarded(cookie: str) -> bool:
    """Whether a cookie travels by TLS alone."""
    return "secure" in {part.strip().lower() for part in cookie.split(";")[1:]}


def _footers(seen: Seen, expected: Expected) -> Iterator[Finding]:
    for host in seen.hosts:
        if host.https is None or not _is_page(host.https) or _is_blocked(host.https):
            continue
        rendered = read(seen.rendered) if seen.rendered and host.name == seen.target.name else None
        yield from _footer(host.name, read(host.https.body), rendered, expected)


def _footer(name: str, page: Page, rendered: Page | None, expected: Expected) -> Iterator[Finding]:
    yield from (found("number-malformed", name, why=error.words) for error in page.icp_errors)
    yield from (found("licence-labelled", name, number=licence) for licence in page.licences_as_filings)
    if not page.icp and not page.icp_errors:
        drawn = rendered.icp[0].number if rendered and rendered.icp else None
        yield found("number-by-script", name, number=drawn) if drawn else found("number-missing", name)
    elif page.icp and rendered is not None and not rendered.icp:
        yield found("number-hidden", name)
    for shown in page.icp:
        number = shown.number
        if number.service and number.service.value:
            yield found("number-app", name, number=number)
        elif number != number.displayed:
            yield found("number-service", name, number=number)
        elif number.page_warning:
            yield found("number-subject", name, number=number)
        for warning in number.warnings:
            if warning != number.page_warning:
                yield found("number-template", name, warning=warning)
        yield from _icp_link(name, str(number), shown.link)
    wanted = expected.icp.displayed if expected.icp else None
    if wanted and page.icp and wanted not in [shown.number for shown in page.icp]:
        yield found("number-wrong", name, found=", ".join(str(shown.number) for shown in page.icp), wanted=wanted)
    yield from _public_security(name, page, expected)
    yield from (found("block-target", name, found=target) for target in page.odd_targets)


def _icp_link(name: str, number: str, link: str | None) -> Iterator[Finding]:
    host = _host_of(link)
    if not link:
        yield found("icp-unlinked", name, number=number)
    elif host.removeprefix("www.") in ("miibeian.gov.cn", "miitbeian.gov.cn"):
        yield found("icp-link-old", name, number=number, found=host)
    elif host != "beian.miit.gov.cn":
        yield found("icp-link", name, number=number, found=link)


def _public_security(name: str, page: Page, expected: Expected) -> Iterator[Finding]:
    yield from (found("security-wrong", name, why=error.words) for error in page.security_errors)
    for shown in page.security:
        number, host = shown.number, _host_of(shown.link)
        yield from (found("security-template", name, warning=warning) for warning in number.warnings)
        if host in ("www.beian.gov.cn", "beian.gov.cn"):
            yield found("security-link-old", name, number=number, found=host, wanted=number.url)
        elif host != "beian.mps.gov.cn" or number.digits not in (shown.link or ""):
            yield found("security-link", name, number=number, found=shown.link or "-", wanted=number.url)
    wanted = expected.public_security
    if wanted and wanted not in [shown.number for shown in page.security]:
        yield found("security-missing", name, wanted=wanted)


def _host_of(link: str | None) -> str:
    try:
        return (urlsplit(link or "").hostname or "").lower()
    except ValueError:
        return ""


def _port_of(link: str) -> int:
    try:
        return urlsplit(link).port or 443
    except ValueError:
        return 0


def _mini_program(seen: Seen) -> Iterator[Finding]:
    if seen.target.name == "api.weixin.qq.com":
        yield found("mini-program-forbidden", seen.target.name)
    if seen.target.https_port != 443:
        yield found("mini-program-port", seen.target.name, port=seen.target.https_port)
