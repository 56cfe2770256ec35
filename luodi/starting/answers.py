"""What is asked before a site is there, and what an answer may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import AfterValidator, TypeAdapter, ValidationError

from luodi.environments.naming import stack_name
from luodi.filing.eligibility import least_months
from luodi.filing.facts import Province, SubjectKind
from luodi.filing.provinces import provinces
from luodi.filing.rules import rules
from luodi.section import Text
from luodi.settings import host_name, mainland_region, mainland_regions, readable, registrable
from luodi.settings.values import Bundle, InstanceType, Period
from luodi.words import Language, Words

SiteKind = Literal["static", "spa", "proxy", "mini-program", "php"]
ServerKind = Literal["lighthouse", "cvm"]
Answers = Mapping[str, str]
"""By the question's name, each as `Question.check` gave it."""


@dataclass(frozen=True)
class Choice:
    """One of the answers that a question takes."""

    value: str
    name: Words


@dataclass(frozen=True)
class Question:
    """One thing that is asked. `name` is its option on the command line, too.

    `wants` says in Chinese what an answer has to be, which errors say in English. `check` gives an answer as it is
    kept, and raises ValueError for one that can't be right; it and `default` know the answers before it. There is no
    `default` where nobody can know. `choices` are all there is, where they are few.
    """

    name: str
    ask: Words
    wants: str
    help: str
    check: Callable[[str, Answers], str]
    default: Callable[[Answers], str] | None = None
    choices: tuple[Choice, ...] = ()

    def refusal(self, error: ValueError, language: Language) -> str:
        """What to say of an answer that `check` refused."""
        return f"{self.wants}（{error}）" if language == "zh" else str(error)

    @property
    def option(self) -> str:
        """As it is given on the command line."""
        return f"--{self.name}"


def _by(annotation: Any) -> Callable[[str, Answers], str]:
    """What the settings take for such a value."""
    judge = TypeAdapter(annotation)

    def check(text: str, _known: Answers) -> str:
        try:
            return str(judge.validate_python(text))
        except ValidationError as error:
            detail = error.errors()[0]
            raise ValueError(str(detail.get("ctx", {}).get("error", detail["msg"]))) from None

    return check


def _one_of(choices: tuple[Choice, ...]) -> Callable[[str, Answers], str]:
    values = tuple(choice.value for choice in choices)

    def check(text: str, _known: Answers) -> str:
        if text not in values:
            raise ValueError(f"{text} is none of {', '.join(values)}")
        return text

    return check


def _domain(text: str) -> str:
    name = host_name(text)
    if registrable(name) is None:
        raise ValueError(f"{text} is a public suffix; write the domain that was bought, such as example.{text}")
    return readable(name)


def _region(text: str, _known: Answers) -> str:
    return mainland_region(text).id


def _size(text: str, known: Answers) -> str:
    return _SIZES[cast("ServerKind", known["server"])](text, known)


def _always(value: str) -> Callable[[Answers], str]:
    return lambda _known: value


_SIZES = {"lighthouse": _by(Bundle), "cvm": _by(InstanceType)}
_USUAL_SIZE = {"lighthouse": "bundle_starter_mc_promo_med2_01", "cvm": "S5.MEDIUM2"}

_KINDS = (
    Choice("static", Words("静态网站：一个文件夹的文件", "static: the files of a folder")),
    Choice("spa", Words("单页应用（SPA）", "spa: a single-page application")),
    Choice("proxy", Words("应用：luodi 在服务器上运行的程序", "proxy: an application, which luodi runs")),
    Choice("mini-program", Words("小程序后端", "mini-program: the back end of one (小程序)")),
    Choice("php", Words("PHP，例如 WordPress", "php: PHP, such as WordPress")),
)
_SERVERS = (
    Choice("lighthouse", Words("轻量应用服务器", "Lighthouse (轻量应用服务器)")),
    Choice("cvm", Words("云服务器，带自己的私有网络", "CVM (云服务器), in a network of its own")),
)
_SUBJECTS = tuple(Choice(kind, Words.of(rules("regime")["subject"][kind])) for kind in get_args(SubjectKind))
_PROVINCES = tuple(
    Choice(province.icp, Words(*2 * (f"{province.icp} {province.chinese} {province.name}",)))
    for province in provinces()
    if province.icp
)
_REGIONS = tuple(
    Choice(region, Words(*2 * (f"{region} {mainland_region(region).name}",))) for region in mainland_regions()
)
_PERIODS = tuple(
    Choice(str(months), Words(f"{months} 个月", f"{months} months"))
    for months in get_args(get_args(Period)[0])
    if months >= least_months()
)

QUESTIONS = (
    Question(
        "domain",
        Words("网站的域名，例如 example.cn", "The site's domain, such as example.cn"),
        "要写买下的域名，或它的子域名，例如 example.cn",
        "The site's domain.",
        _by(Annotated[str, AfterValidator(_domain)]),
    ),
    Question(
        "stack",
        Words("环境（stack）的名称", "Name of the stack"),
        "只能用字母、数字、连字符、下划线和句点",
        "The environment's name.",
        lambda text, _known: stack_name(text),
        _always("production"),
    ),
    Question(
        "subject-kind",
        Words("以谁的名义备案（主办单位性质）", "Who files it (主办单位性质)"),
        "只能是其中一种",
        "What the subject is (主办单位性质).",
        _one_of(_SUBJECTS),
        _always("enterprise"),
        _SUBJECTS,
    ),
    Question(
        "subject-name",
        Words("主办者全称，与证件一致", "The subject's whole name, as its certificate has it (主办者全称)"),
        "要写全称，一行",
        "Whom the filing names (主办者全称).",
        _by(Text),
    ),
    Question(
        "province",
        Words("主办者所在的省份", "The subject's province"),
        "要写备案号开头的那个字，例如 粤",
        "The subject's province, by the character that filings write, such as 粤.",
        _by(Province),
        None,
        _PROVINCES,
    ),
    Question(
        "title",
        Words("网站名称，与备案一致", "The site's name, as the filing will have it (网站名称)"),
        "要写网站名称，一行",
        "The site's name (网站名称).",
        _by(Text),
    ),
    Question(
        "kind",
        Words("是哪一种网站", "What kind of site it is"),
        "只能是其中一种",
        "What kind of site it is.",
        _one_of(_KINDS),
        _always("static"),
        _KINDS,
    ),
    Question(
        "server",
        Words("用哪一种服务器", "What kind of server it gets"),
        "只能是其中一种",
        "What kind of server it gets.",
        _one_of(_SERVERS),
        _always("lighthouse"),
        _SERVERS,
    ),
    Question(
        "region",
        Words("服务器在哪个地域", "The server's region (地域)"),
        "备案要求服务器在中国大陆的地域",
        "A mainland region.",
        _region,
        _always("ap-guangzhou"),
        _REGIONS,
    ),
    Question(
        "size",
        Words("套餐，或云服务器的机型规格", "Its bundle (套餐) or instance type (机型规格)"),
        "轻量应用服务器写套餐（bundle_ 开头），云服务器写机型规格（例如 S5.MEDIUM2）",
        "A bundle (套餐) for Lighthouse, an instance type (机型规格) for CVM.",
        _size,
        lambda known: _USUAL_SIZE[known["server"]],
    ),
    Question(
        "period",
        Words("购买几个月（备案要求至少 3 个月）", "Months prepaid (a filing asks for 3 or more)"),
        "只能是这些月数之一",
        f"Months prepaid, {least_months()} or more.",
        _one_of(_PERIODS),
        _always("12"),
        _PERIODS,
    ),
)
"""In the order that they are asked."""
