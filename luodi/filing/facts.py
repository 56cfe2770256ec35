"""What a stack file says of its filings: facts with dates, and nothing that follows from them.

Where a filing stands, what may be published and what is due are derived (`luodi.filing.stage`, `gate`,
`deadlines`); nobody types them. `contradictions` are facts that can't all be true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from luodi.filing.numbers import (
    IcpNumber,
    Licence,
    PublicSecurityNumber,
    Service,
    parse_icp,
    parse_licence,
    parse_public_security,
)
from luodi.filing.provinces import provinces
from luodi.filing.rules import rules
from luodi.problems import Problem
from luodi.section import Section, Text
from luodi.words import Words

SECTION = "luodi:filing"
"""The stack file's key."""

Type = Literal[
    "first",
    "transfer",
    "new-site",
    "new-site-elsewhere",
    "change",
    "change-site",
    "cancel-subject",
    "cancel-site",
    "cancel-access",
]
ServiceKind = Literal["website", "mini-program", "app"]
SubjectKind = Literal["enterprise", "sole-proprietor", "institution", "government", "association", "individual"]
Category = Literal[
    "news", "publishing", "audio-visual", "culture", "games", "medicine", "finance", "tutoring", "ride-hailing"
]
Group = Literal["opening", "transfer", "change", "cancellation", "none"]

_Parsed = TypeVar("_Parsed")


def _number(parse: Callable[[str], _Parsed]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, str):
            return parse(value)
        raise PydanticCustomError("string_type", "must be text")

    return read


# A YAML date reaches the program as Go prints a time, "2026-11-18 00:00:00 +0000 UTC"; a quoted one as it is.
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00:00(?:\.0+)?(?:Z| \+0000 UTC|\+00:00)?)?", re.ASCII)

_FIRST_YEAR, _LAST_YEAR = 2000, 2098  # as far as the calendar of `workdays` reaches


def _date(value: Any) -> date:
    text = str(value) if type(value) is date else value
    found = _DATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{value} is no date; write the day alone, such as 2026-11-18")
    try:
        day = date.fromisoformat(found[1])
    except ValueError as error:
        raise ValueError(f"{value} is no date: {error}") from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"{day} is out of range; filings began in {_FIRST_YEAR}")
    return day


def _province(text: str) -> str:
    known = "".join(province.icp for province in provinces() if province.icp)
    if text in known and len(text) == 1:
        return text
    for province in provinces():
        if text in (*province.mistaken, *province.public_security, province.chinese, province.name) and province.icp:
            raise ValueError(f"{text} is not how filings write {province.name}. Did you mean {province.icp}?")
    raise ValueError(f"{text} is no province; write its character in filing numbers, one of {known}")


Day = Annotated[date, BeforeValidator(_date)]
Province = Annotated[str, AfterValidator(_province)]
Icp = Annotated[InstanceOf[IcpNumber], BeforeValidator(_number(parse_icp))]
PublicSecurity = Annotated[InstanceOf[PublicSecurityNumber], BeforeValidator(_number(parse_public_security))]
LicenceNumber = Annotated[InstanceOf[Licence], BeforeValidator(_number(parse_licence))]


class Subject(Section):
    """Whom the filing names (主办者)."""

    name: Text = Field(description="As in the filing (主办单位名称); shown in the footer's copyright line.")
    kind: SubjectKind | None = Field(None, description="What it is (主办单位性质).")
    province: Province | None = Field(
        None, description="Where it is registered, by the character that filings write, such as 粤."
    )


class IcpFiling(Section):
    """The ministry's filing (ICP 备案), once it is granted."""

    number: Icp = Field(description="As issued, such as 粤ICP备2026068982号-1.")
    approved: Day = Field(description="The day it was issued (审核通过日期).")
    revoked: Day | None = Field(None, description="The day it was revoked (被注销), where it was: the site closes.")


class PublicSecurityFiling(Section):
    """The public-security filing (公安联网备案)."""

    submitted: Day | None = Field(None, description="The day it was submitted.")
    approved: Day | None = Field(None, description="The day it was approved.")
    number: PublicSecurity | None = Field(
        None, description="As issued, such as 粤公网安备44030002000001号.", validate_default=True
    )

    @field_validator("number")
    @classmethod
    def _something(cls, number: PublicSecurityNumber | None, info: ValidationInfo) -> PublicSecurityNumber | None:
        if number is None and not any(info.data.values()):
            raise ValueError("is not set")
        return number


class Domain(Section):
    """What matters of the domain itself."""

    verified: Day | None = Field(None, description="The day its real-name verification passed (域名实名认证).")
    expires: Day | None = Field(None, description="The day its registration ends (到期).")
    icp: IcpFiling | None = Field(
        None,
        description="The domain's own filing as a website, for the back end of a mini-program or an APP.",
    )


class FilingSettings(Section):
    """What is known of the site's filings. What follows from it (stage, gate, deadlines) is never written here."""

    type: Type | None = Field(None, description="What is being filed, or was last (备案类型).")
    service: ServiceKind = Field("website", description="What the filing is for (服务类型).")
    subject: Subject | None = None
    purpose: Text | None = Field(None, description="What the service is for, in a sentence or two (服务备注).")
    categories: tuple[Category, ...] = Field(
        (), strict=False, description="Content that needs an approval of its own first (前置审批)."
    )
    submitted: Day | None = Field(None, description="The day this filing was submitted to Tencent Cloud (提交).")
    provider_review: Day | None = Field(None, description="The day its first review passed (服务商初审通过).")
    sms_verified: Day | None = Field(None, description="The day the code from 12381 was entered (短信核验).")
    completed: Day | None = Field(
        None, description="The day a transfer, change or cancellation was approved; a new number has `icp.approved`."
    )
    icp: IcpFiling | None = None
    opened: Day | None = Field(None, description="The day the service opened (开通).")
    public_security: PublicSecurityFiling | None = None
    changed: Day | None = Field(None, description="The day that what is filed stopped being true, before a change.")
    licence: LicenceNumber | None = Field(
        None, description="The value-added telecom licence (增值电信业务经营许可证), such as 粤B2-20090059."
    )
    domain: Domain | None = None
    server_expires: Day | None = Field(None, description="The day the server's prepaid term ends (到期).")
    publish_without_filing: Text | None = Field(
        None,
        description="Publish although the rules forbid it: the reason, which every preview shows. It is on you.",
    )
    live_check: bool = Field(
        False,
        description="Ask Tencent Cloud's ICP service at every preview whether the domain is filed, and tell of a "
        "difference. The key needs the right to read ICP filings (ba).",
    )

    @property
    def type_name(self) -> Words:
        """What is being filed."""
        if self.type is None:
            return Words("备案", "filing")
        return Words.of(rules("regime")["type"][self.type]["name"])

    @property
    def service_name(self) -> Words:
        """What the filing is for."""
        return Words.of(rules("regime")["service"][self.service]["name"])

    @property
    def group(self) -> Group:
        """What the type of filing means for a service that is served; ``none`` when no filing is named."""
        group: Group = rules("regime")["type"][self.type]["group"] if self.type else "none"
        return group

    @property
    def ended(self) -> date | None:
        """The day the authority approved what was filed."""
        if self.group in ("opening", "none"):
            return self.icp.approved if self.icp else None
        return self.completed

    @property
    def covering(self) -> IcpFiling | None:
        """The filing that covers the domain: a website's or an APP's own, or the domain's.

        A mini-program's own filing names no domain:
        https://developers.weixin.qq.com/miniprogram/product/record/record_guidelines.html
        """
        own = self.domain.icp if self.domain else None
        return own or (self.icp if self.service != "mini-program" else None)

    @property
    def page_number(self) -> IcpNumber | None:
        """The number that the domain's web pages carry; None where there is none, or none in force."""
        filing = self.icp if self.service == "website" else self.domain.icp if self.domain else None
        return filing.number if filing and not filing.revoked else None


# --- facts that can't all be true ----------------------------------------------------------------


def contradictions(facts: FilingSettings, today: date) -> Iterator[Problem]:
    """What can't be right about the facts, each with its path."""
    yield from _in_the_future(facts, today)
    yield from _numbers(facts, today)
    yield from _presence(facts)
    yield from _order(facts)


def days(facts: FilingSettings) -> dict[str, date]:
    """Every date in the facts, by its key below ``luodi:filing``."""
    found: dict[str, date] = {}

    def look(section: Section, prefix: str) -> None:
        for name, field in type(section).model_fields.items():
            value = getattr(section, name)
            if isinstance(value, date):
                found[f"{prefix}{field.alias}"] = value
            elif isinstance(value, Section):
                look(value, f"{prefix}{field.alias}.")

    look(facts, "")
    return found


_MAY_COME = ("domain.expires", "server-expires")


def _in_the_future(facts: FilingSettings, today: date) -> Iterator[Problem]:
    for key, day in days(facts).items():
        if day > today and key not in _MAY_COME:
            yield _problem(key, f"{day} is in the future (today is {today}); write the day it happened, once it has")


def _numbers(facts: FilingSettings, today: date) -> Iterator[Problem]:
    service = Service(rules("regime")["service"][facts.service]["letter"])
    own = facts.domain.icp if facts.domain else None
    checked = (("icp", facts.icp, service), ("domain.icp", own, Service.WEBSITE))
    for key, filing, wanted in checked:
        if filing is None:
            continue
        try:
            filing.number.require(wanted)
        except ValueError as error:
            yield _problem(f"{key}.number", str(error))
        if fault := filing.number.from_the_future(today):
            yield _problem(f"{key}.number", fault.en)
    if facts.service == "website" and own:
        yield _problem("domain.icp", f"is for a mini-program or an APP; a website's filing is {SECTION}.icp")
    security = facts.public_security
    if security and security.number and not security.approved:
        yield _problem("public-security.approved", "is not set; a number is issued on a day, such as 2026-11-18")


def _presence(facts: FilingSettings) -> Iterator[Problem]:
    name = facts.type_name
    if facts.type is None:
        for key in ("submitted", "provider-review", "sms-verified", "completed"):
            if key in days(facts):
                yield _problem("type", f"is not set, but {key} is; say what was filed, such as first (首次备案)")
                break
    if facts.group in ("transfer", "change", "cancellation") and facts.icp is None:
        yield _problem("icp", f"is not set; a {name.en} ({name.zh}) is of a filing that has a number")
    if facts.group == "opening" and facts.completed:
        yield _problem("completed", f"is not for a {name.en} ({name.zh}): it ends with {SECTION}.icp.approved")
    if facts.group != "change" and facts.changed:
        yield _problem("changed", "goes with a change: set type to change (变更备案) or change-site (变更网站)")
    number_due = facts.group in ("opening", "none") and facts.service == "website"
    if facts.opened and number_due and not facts.icp and not facts.publish_without_filing:
        yield _problem(
            "opened",
            f"{facts.opened}, but there is no number in {SECTION}.icp: a site opens once it is issued. If it was "
            "revoked (被注销), keep the number and add icp.revoked",
        )


# Each happens on or after the ones before it.
_STEPS = ("submitted", "provider-review", "sms-verified")


def _order(facts: FilingSettings) -> Iterator[Problem]:
    found = days(facts)
    opening = facts.group in ("opening", "none")
    # A new number is the result of this filing; any other filing is of a number that was there before.
    steps = [*_STEPS, "icp.approved" if opening else "completed"]
    if not opening:
        yield from _before(found, "icp.approved", "submitted")
    for index, key in enumerate(steps):
        if key not in found:
            continue
        earlier = steps[:index]
        # Whoever has the result need not tell every step on the way, but has to have submitted.
        if "submitted" in earlier and "submitted" not in found and key != "icp.approved":
            yield _problem("submitted", f"is not set, but {key} is")
        for other in earlier:
            yield from _before(found, other, key)
    if facts.service == "website" and facts.group == "opening" and not facts.publish_without_filing:
        yield from _before(found, "icp.approved", "opened")
    for first, then in (
        ("icp.approved", "icp.revoked"),
        ("domain.icp.approved", "domain.icp.revoked"),
        ("public-security.submitted", "public-security.approved"),
        ("changed", "submitted"),
    ):
        yield from _before(found, first, then)


def _before(found: dict[str, date], first: str, then: str) -> Iterator[Problem]:
    if first in found and then in found and found[then] < found[first]:
        yield _problem(then, f"{found[then]} is before {SECTION}.{first}, {found[first]}")


def _problem(key: str, text: str) -> Problem:
    return Problem(f"{SECTION}.{key}", text)
