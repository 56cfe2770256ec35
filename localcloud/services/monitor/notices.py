"""Notice templates (通知模板): whom an alarm is told to, by which way."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tencentcloud.monitor.v20180724 import models

from localcloud.errors import CloudError
from localcloud.formats import local_timestamp, new_id
from localcloud.services.base import action, not_empty, page
from localcloud.services.monitor.parts import MonitorPart
from localcloud.store import Document, Kind
from localcloud.wire import build, given

TYPES = frozenset({"ALARM", "OK", "ALL"})
LANGUAGES = frozenset({"zh-CN", "en-US"})
MOST_ADDRESSES = 3


class Notices(MonitorPart):
    """Actions on notice templates."""

    @action("CreateAlarmNotice", requires=("Module", "Name", "NoticeType", "NoticeLanguage"))
    def create_alarm_notice(self, request: models.CreateAlarmNoticeRequest) -> models.CreateAlarmNoticeResponse:
        """Make a template."""
        document = {"Id": new_id("notice"), **self._content(request)}
        if any(one["Name"] == document["Name"] for one in self.store.all(Kind.ALARM_NOTICE)):
            raise CloudError(
                "FailedOperation.DuplicateName", f"There is a notice template {document['Name']!r} already."
            )
        self.store.put(Kind.ALARM_NOTICE, document["Id"], document)
        self.cloud.tags.add(document["Id"], request.Tags)
        return build(models.CreateAlarmNoticeResponse, NoticeId=document["Id"])

    @action("ModifyAlarmNotice", requires=("Module", "Name", "NoticeType", "NoticeLanguage", "NoticeId"))
    def modify_alarm_notice(self, request: models.ModifyAlarmNoticeRequest) -> models.ModifyAlarmNoticeResponse:
        """Change a template, all of it at once."""
        document = self.notice(request.NoticeId)
        self.store.put(Kind.ALARM_NOTICE, request.NoticeId, {"Id": document["Id"], **self._content(request)})
        return models.ModifyAlarmNoticeResponse()

    @action("DescribeAlarmNotices", requires=("Module", "PageNumber", "PageSize", "Order"))
    def describe_alarm_notices(
        self, request: models.DescribeAlarmNoticesRequest
    ) -> models.DescribeAlarmNoticesResponse:
        """List templates."""
        self.check_module(request)
        found = [
            one
            for one in self.store.all(Kind.ALARM_NOTICE)
            if (not request.NoticeIds or one["Id"] in request.NoticeIds) and (request.Name or "") in one["Name"]
        ]
        shown = page(found, (request.PageNumber - 1) * request.PageSize, request.PageSize, maximum=200)
        return build(
            models.DescribeAlarmNoticesResponse,
            TotalCount=len(found),
            Notices=[shown_notice(self, one) for one in shown],
        )

    @action("DeleteAlarmNotices", requires=("Module", "NoticeIds"))
    def delete_alarm_notices(self, request: models.DeleteAlarmNoticesRequest) -> models.DeleteAlarmNoticesResponse:
        """Remove templates that no policy uses."""
        self.check_module(request)
        for identifier in not_empty("NoticeIds", request.NoticeIds):
            self.notice(identifier)
            used = policies_of(self, identifier)
            if used:
                raise CloudError("ResourceInUse", f"{identifier} is used by {', '.join(used)}.")
            self.store.delete(Kind.ALARM_NOTICE, identifier)
            self.cloud.tags.forget(identifier)
        return models.DeleteAlarmNoticesResponse()

    def _content(self, request: Any) -> Document:
        self.check_module(request)
        for name, known in (("NoticeType", TYPES), ("NoticeLanguage", LANGUAGES)):
            if getattr(request, name) not in known:
                raise CloudError("InvalidParameterValue", f"{name} is one of {', '.join(sorted(known))}.")
        addresses = request.URLNotices or []
        if len(addresses) > MOST_ADDRESSES:
            raise CloudError("LimitExceeded", f"A notice template has at most {MOST_ADDRESSES} URLNotices.")
        for one in addresses:
            if urlsplit(one.URL or "").scheme not in {"http", "https"}:
                raise CloudError("InvalidParameterValue", f"URL {one.URL!r} is no http or https address.")
        return {
            "Name": request.Name,
            "NoticeType": request.NoticeType,
            "NoticeLanguage": request.NoticeLanguage,
            "UserNotices": [given(one) for one in request.UserNotices or ()],
            "URLNotices": [{"IsValid": 0, "ValidationCode": "", **given(one)} for one in addresses],
            "CLSNotices": [given(one) for one in request.CLSNotices or ()],
            "IsPreset": 0,
            "UpdatedAt": local_timestamp(),
            "UpdatedBy": self.cloud.account.uin,
            "AMPConsumerId": "",
        }


def shown_notice(part: MonitorPart, document: Document) -> Document:
    """Return a template as it is described."""
    return {
        **document,
        "PolicyIds": policies_of(part, document["Id"]),
        "Tags": part.cloud.tags.listed(document["Id"]),
    }


def policies_of(part: MonitorPart, notice: str) -> list[str]:
    """Return the policies that tell whom a template names."""
    return [str(one["PolicyId"]) for one in part.store.all(Kind.ALARM_POLICY) if notice in one["NoticeIds"]]
