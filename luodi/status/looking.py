"""Finds where stacks stand: their files, their states, and what their servers answer. No program of theirs is run."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

from luodi.api import Account, ApiError, NoCredentials
from luodi.certificate.standing import Declared, Standing
from luodi.doctor.observing import fetch
from luodi.filing_report import Report, reports
from luodi.outputs import NoOutputs, NotUp, stack_outputs
from luodi.price import NotPriced, Price, monthly
from luodi.renewal import Watch, exported_certificates, standing
from luodi.settings import Settings
from luodi.stackfiles import StackFile
from luodi.status.standing import Live, SiteStatus, StackStatus, Visit

_STACKS_AT_ONCE, _SITES_AT_ONCE = 8, 8


def look(project: Path, files: Sequence[StackFile], today: date, watch: Watch) -> list[StackStatus]:
    """Where each stack stands. Nothing is raised: what can't be had is told of its stack."""
    with ThreadPoolExecutor(_STACKS_AT_ONCE) as pool, ThreadPoolExecutor(_STACKS_AT_ONCE) as asking:
        prices = [asking.submit(_price, file.settings) for file in files]
        found = pool.map(lambda file: _stack(project, file, today, watch), files)
        return [replace(one, price=price.result()) for one, price in zip(found, prices, strict=True)]


def _price(settings: Settings | None) -> Price | None:
    """What a stack costs, where an account is at hand that tells; `luodi price` says why there is none."""
    if settings is None:
        return None
    try:
        return monthly(settings, Account.find({"tencentcloud:region": settings.region.id}))
    except (NoCredentials, NotPriced, ApiError):
        return None


def _stack(project: Path, file: StackFile, today: date, watch: Watch) -> StackStatus:
    if file.settings is None:
        return StackStatus(file)
    found = list(reports(file.stack, file.settings, today))
    try:
        outputs = stack_outputs(project, file.stack)
        certificates = {one.domain: one for one in exported_certificates(outputs)}
    except NoOutputs as error:
        missing = Live.NOT_UP if isinstance(error, NotUp) else Live.UNKNOWN
        return StackStatus(file, tuple(map(SiteStatus, found)), why=str(error), missing=missing)
    address = str(outputs["address"])
    with ThreadPoolExecutor(_SITES_AT_ONCE) as pool:
        sites = pool.map(
            lambda report: _site(file.stack, report, certificates.get(report.site.site.domain), address, watch), found
        )
        return StackStatus(file, tuple(sites), address)


def _site(stack: str, report: Report, declared: Declared | None, address: str, watch: Watch) -> SiteStatus:
    if declared is None:
        return SiteStatus(report)
    if not declared.public:
        # Nobody is to be answered, and the provider may cut every connection of an unfiled domain.
        return SiteStatus(report, Standing(stack, declared, (), declared.plan))
    answer = fetch(address, watch.port, declared.domain, watch.seconds, tls=True)
    return SiteStatus(
        report, standing(stack, declared, address, watch), Visit(answer.status or None, answer.error or None)
    )
