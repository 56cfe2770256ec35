"""A project's stacks as they may stand, for the tests of what is shown of them: nothing is asked of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from luodi.certificate.lifetime import Certificate
from luodi.certificate.served import Served
from luodi.certificate.standing import Declared, Standing
from luodi.filing_report import Report, reports
from luodi.price.amounts import Item, Prepaid, Price
from luodi.problems import SettingsError
from luodi.settings import Settings
from luodi.stackfiles import StackFile
from luodi.status.standing import Live, SiteStatus, StackStatus, Visit

TODAY = date(2026, 11, 28)
NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
ADDRESS = "203.0.113.7"
LIGHTHOUSE: Mapping[str, Any] = {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"}
FILED: Mapping[str, Any] = {"icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-11-18"}}


def file(stack: str, **sections: Any) -> StackFile:
    """A stack's file, judged as it would be read; `sections` are those below ``luodi:``."""
    path, config = Path(f"stacks/Pulumi.{stack}.yaml"), {f"luodi:{name}": values for name, values in sections.items()}
    config = {"tencentcloud:region": "ap-guangzhou", "luodi:server": LIGHTHOUSE, **config}
    try:
        return StackFile(stack, path, Settings.parse(config, source=str(path), today=TODAY))
    except SettingsError as error:
        return StackFile(stack, path, None, tuple(error.problems))


def up(one: StackFile, *visits: Visit, public: bool | None = None, left: timedelta = timedelta(days=62)) -> StackStatus:
    """The stack as it is once it is up, with a `visit` for each open site."""
    assert one.settings
    answers = iter(visits)

    def site(report: Report) -> SiteStatus:
        open_ = report.publication.public if public is None else public
        visit = next(answers, Visit(200)) if open_ else None
        return SiteStatus(report, _certificate(one.stack, report, open_, left), visit)

    return StackStatus(one, tuple(map(site, reports(one.stack, one.settings, TODAY))), ADDRESS)


def costing(amount: str) -> Price:
    """What a server costs that is paid by the month."""
    return Price((Item("server", "a bundle", Prepaid(1, Decimal(amount), Decimal(amount))),), ())


def not_up(one: StackFile, why: str = "the stack is not up", missing: Live = Live.NOT_UP) -> StackStatus:
    """The stack before it is, or where nobody can tell."""
    assert one.settings
    sites = tuple(SiteStatus(report) for report in reports(one.stack, one.settings, TODAY))
    return StackStatus(one, sites, why=why, missing=missing)


def _certificate(stack: str, report: Report, public: bool, left: timedelta) -> Standing:
    names, ends = report.site.names, NOW + left
    leaf = Certificate(names, "R13", "2badc0ffee", ends - timedelta(days=90), ends, "ECDSA P-256", "ab" * 32)
    declared = Declared(names[0], names, public, "R13", ends, leaf.renewal, (leaf.fingerprint,), "")
    seen = (Served(ADDRESS, leaf),) if public else ()
    return Standing(stack, declared, seen, declared.plan)


def project() -> list[StackStatus]:
    """One of everything: open, closed, overdue, several sites, not up, unknown, and a file that can't be right."""
    filed: dict[str, Any] = {**FILED, "type": "first", "submitted": "2026-10-27", "opened": "2026-11-19"}
    production = up(file("production", site={"domain": "example.cn", "title": "示例科技"}, filing=filed))
    overdue = file(
        "shop",
        site={"domain": "example.com", "title": "示例商城"},
        filing={"icp": {"number": "粤ICP备2025012345号-2", "approved": "2026-08-03"}, "opened": "2026-08-10"},
        sites=[{"site": {"domain": "docs.example.com", "title": "示例文档"}}],
    )
    ended = up(overdue, Visit(None, "Connection refused"), left=timedelta(hours=20))
    review = file(
        "campaign",
        site={"domain": "活动示例.cn", "title": "双十二活动", "allow": ["203.0.113.99/32"]},
        server={"kind": "cvm", "period": 3},
        filing={"type": "new-site", "submitted": "2026-11-20"},
    )
    staging = file("staging", site={"domain": "staging.example.cn", "title": "示例科技（预发布）"}, filing=FILED)
    broken = file(
        "test",
        site={"domain": "test.example.cn", "title": "测试"},
        server={"kind": "cvm", "period": 1},
        filing={"icp": {"number": "川ICP备2025146653号", "approved": "2025-09-12"}},
    )
    other = file("partner", site={"domain": "partner.example.net", "title": "合作伙伴"})
    return [
        up(review),
        not_up(other, "no stack named 'partner' found"),
        replace(production, price=costing("65")),
        replace(ended, price=costing("1234.50")),
        not_up(staging, "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions", Live.UNKNOWN),
        StackStatus(broken),
    ]


def with_title(text: str) -> StackStatus:
    """A stack whose titles, errors and issuer are this text: it may come from anybody."""
    status = up(file("production", site={"domain": "example.cn", "title": "示例"}, filing=FILED), Visit(None, text))
    [site] = status.sites
    assert site.certificate
    hosted = site.report.site
    titled = replace(hosted, site=hosted.site.model_copy(update={"title": text}))
    certificate = site.certificate
    assert certificate.seen
    leaf = replace(certificate.seen, issuer=text)
    certificate = replace(certificate, served=(Served(ADDRESS, leaf),))
    return replace(
        status, sites=(replace(site, report=replace(site.report, site=titled), certificate=certificate),), why=text
    )
