"""The price APIs, asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luodi.api import Account, ApiError
from luodi.cloud.images import newest
from luodi.price import answers, questions
from luodi.price.amounts import Price
from luodi.price.questions import Question
from luodi.price.refusals import NotPriced, explained
from luodi.price.telling import unpriced
from luodi.settings import CvmSettings, Settings

_PAGE = 100
"""Images in an answer, at most."""


def monthly(settings: Settings, account: Account) -> Price:
    """What the server that is declared would cost if it were ordered now, and by the month; nothing is ordered.

    `account` is one in the settings' region. A Lighthouse server takes one call, a CVM two or three. Raises NotPriced
    for what can't be had, naming its setting, and ApiError (Unreachable when nothing answers) for everything else.
    """
    try:
        return _ask(settings, account)
    except ApiError as error:
        raise explained(error, settings) or error from None
    except LookupError as error:
        raise NotPriced(str(error)) from None


def _ask(settings: Settings, account: Account) -> Price:
    server, remarks = settings.server, unpriced(settings)
    if not isinstance(server, CvmSettings):
        answer = _answer(account, questions.of_lighthouse(server))
        return Price((answers.of_lighthouse(server, answer),), remarks)
    question = questions.of_cvm(server, settings.availability_zone, _image(account, server))
    items, told = answers.of_cvm(server, _answer(account, question))
    if elastic := questions.of_elastic_ip(server):
        items.append(answers.of_elastic_ip(server, _answer(account, elastic)))
    return Price(tuple(items), (*told, *remarks))


def _answer(account: Account, question: Question) -> Mapping[str, Any]:
    return account.call(question.service, question.action, question.parameters)


def _image(account: Account, server: CvmSettings) -> str:
    """The image that the server would be made from, found as the provider finds it. Raises LookupError."""
    found: list[Mapping[str, Any]] = []
    total = 1
    while len(found) < total:
        request = {
            "Filters": [{"Name": "image-type", "Values": ["PUBLIC_IMAGE"]}],
            "InstanceType": server.instance_type,
            "Offset": len(found),
            "Limit": _PAGE,
        }
        answer = account.call("cvm", "DescribeImages", request)
        page = answer.get("ImageSet") or []
        found += page
        total = int(answer.get("TotalCount") or 0) if page else 0
    wanted = server.image.lower()
    fitting = (one for one in found if wanted in str(one.get("OsName")).lower())
    return newest(((str(one.get("CreatedTime")), str(one.get("ImageId"))) for one in fitting), server.image)
