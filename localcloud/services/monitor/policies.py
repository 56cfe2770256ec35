"""Alarm policies (告警策略): what is watched for, and whom that is told to."""

from __future__ import annotations

import time
from typing import Any

from tencentcloud.monitor.v20180724 import models

from localcloud.catalogue import AlarmNamespace
from localcloud.errors import CloudError
from localcloud.formats import new_id
from localcloud.services.base import action, not_empty, page
from localcloud.services.monitor.notices import shown_notice
from localcloud.services.monitor.parts import MonitorPart
from localcloud.store import Document, Kind
from localcloud.wire import build, given

OPERATORS = frozenset({"calm", "gt", "ge", "lt", "le", "eq", "ne"})
NAME_LENGTH = 60
FIRST_ORIGIN = 9_000_001


class Policies(MonitorPart):
    """Actions on policies."""

    @action("DescribeAllNamespaces", requires=("SceneType", "Module"))
    def describe_all_namespaces(
        self, request: models.DescribeAllNamespacesRequest
    ) -> models.DescribeAllNamespacesResponse:
        """List what alarms can be set on."""
        self.check_module(request)
        found = [
            one
            for one in self.cloud.catalogue.alarm_namespaces.values()
            if not request.Ids or one.identifier in request.Ids
        ]
        return build(
            models.DescribeAllNamespacesResponse,
            QceNamespacesNew=[
                {
                    "Id": one.identifier,
                    "Name": one.name,
                    "Value": one.identifier,
                    "ProductName": one.product,
                    "AvailableRegions": list(self.cloud.catalogue.alarm_regions),
                }
                for one in found
            ],
            CustomNamespacesNew=[],
            CommonNamespaces=[],
        )

    @action("DescribeAlarmMetrics", requires=("Module", "MonitorType", "Namespace"))
    def describe_alarm_metrics(
        self, request: models.DescribeAlarmMetricsRequest
    ) -> models.DescribeAlarmMetricsResponse:
        """List the metrics of one of them."""
        self.check_module(request)
        namespace = self.namespace(request.Namespace)
        return build(
            models.DescribeAlarmMetricsResponse,
            Metrics=[
                {
                    "Namespace": namespace.identifier,
                    "MetricName": name,
                    "Description": description,
                    "Min": 0.0,
                    "Max": most,
                    "Dimensions": [namespace.dimension],
                    "Unit": unit,
                    "Periods": [60, 300],
                }
                for name, (description, unit, most) in namespace.metrics.items()
            ],
        )

    @action("CreateAlarmPolicy", requires=("Module", "PolicyName", "MonitorType", "Namespace"))
    def create_alarm_policy(self, request: models.CreateAlarmPolicyRequest) -> models.CreateAlarmPolicyResponse:
        """Make a policy."""
        self.check_module(request)
        if request.MonitorType != "MT_QCE":
            raise CloudError("InvalidParameterValue", f"MonitorType is {request.MonitorType!r}; give MT_QCE.")
        if not 1 <= len(request.PolicyName) <= NAME_LENGTH:
            raise CloudError("InvalidParameterValue", f"PolicyName has 1 to {NAME_LENGTH} characters.")
        for name in ("ConditionTemplateId", "LogAlarmReqInfo", "HierarchicalNotices", "IsBindAll"):
            if getattr(request, name):
                raise CloudError("UnsupportedOperation", f"The rehearsal cloud does not do {name} of a policy.")
        namespace = self.namespace(request.Namespace)
        now = int(time.time())
        document: Document = {
            "PolicyId": new_id("policy"),
            "OriginId": str(self.store.next_number("alarm_policy", FIRST_ORIGIN)),
            "PolicyName": request.PolicyName,
            "MonitorType": request.MonitorType,
            "Namespace": namespace.identifier,
            "NamespaceShowName": namespace.name,
            "Remark": request.Remark or "",
            "Enable": 1 if request.Enable is None else request.Enable,
            "ProjectId": -1 if request.ProjectId is None else request.ProjectId,
            "NoticeIds": self._notices(request.NoticeIds),
            "TriggerTasks": [given(task) for task in request.TriggerTasks or ()],
            "RuleType": "STATIC",
            "IsDefault": 0,
            "CanSetDefault": 1,
            "LastEditUin": self.cloud.account.uin,
            "InsertTime": now,
            "UpdateTime": now,
            **self._condition(namespace, request),
        }
        self.store.put(Kind.ALARM_POLICY, document["PolicyId"], document)
        self.cloud.tags.add(document["PolicyId"], request.Tags)
        return build(models.CreateAlarmPolicyResponse, PolicyId=document["PolicyId"], OriginId=document["OriginId"])

    @action("DescribeAlarmPolicy", requires=("Module", "PolicyId"))
    def describe_alarm_policy(self, request: models.DescribeAlarmPolicyRequest) -> models.DescribeAlarmPolicyResponse:
        """Describe one policy; null where there is none."""
        self.check_module(request)
        document = self.store.get(Kind.ALARM_POLICY, request.PolicyId)
        return build(models.DescribeAlarmPolicyResponse, Policy=document and self._shown(document))

    @action("DescribeAlarmPolicies", requires=("Module",))
    def describe_alarm_policies(
        self, request: models.DescribeAlarmPoliciesRequest
    ) -> models.DescribeAlarmPoliciesResponse:
        """List policies."""
        self.check_module(request)
        found = [
            one
            for one in self.store.all(Kind.ALARM_POLICY)
            if (request.PolicyName or "") in one["PolicyName"]
            and (not request.Namespaces or any(one["Namespace"] in text for text in request.Namespaces))
            and (not request.NoticeIds or set(request.NoticeIds).intersection(one["NoticeIds"]))
            and (not request.Enable or one["Enable"] in request.Enable)
            and (not request.ProjectIds or one["ProjectId"] in request.ProjectIds)
        ]
        size = request.PageSize or 20
        shown = page(found, ((request.PageNumber or 1) - 1) * size, size)
        return build(
            models.DescribeAlarmPoliciesResponse, TotalCount=len(found), Policies=[self._shown(one) for one in shown]
        )

    @action("ModifyAlarmPolicyInfo", requires=("Module", "PolicyId", "Key"))
    def modify_alarm_policy_info(
        self, request: models.ModifyAlarmPolicyInfoRequest
    ) -> models.ModifyAlarmPolicyInfoResponse:
        """Change a policy's name or remark."""
        fields = {"NAME": "PolicyName", "REMARK": "Remark"}
        if request.Key not in fields:
            raise CloudError("InvalidParameterValue", f"Key is {request.Key!r}; give NAME or REMARK.")
        self._change(request, **{fields[request.Key]: request.Value or ""})
        return models.ModifyAlarmPolicyInfoResponse()

    @action("ModifyAlarmPolicyStatus", requires=("Module", "PolicyId", "Enable"))
    def modify_alarm_policy_status(
        self, request: models.ModifyAlarmPolicyStatusRequest
    ) -> models.ModifyAlarmPolicyStatusResponse:
        """Switch a policy on or off."""
        self._change(request, Enable=request.Enable)
        return models.ModifyAlarmPolicyStatusResponse()

    @action("ModifyAlarmPolicyNotice", requires=("Module",))
    def modify_alarm_policy_notice(
        self, request: models.ModifyAlarmPolicyNoticeRequest
    ) -> models.ModifyAlarmPolicyNoticeResponse:
        """Change whom a policy tells."""
        self._change(request, NoticeIds=self._notices(request.NoticeIds))
        return models.ModifyAlarmPolicyNoticeResponse()

    @action("ModifyAlarmPolicyTasks", requires=("Module", "PolicyId"))
    def modify_alarm_policy_tasks(
        self, request: models.ModifyAlarmPolicyTasksRequest
    ) -> models.ModifyAlarmPolicyTasksResponse:
        """Change what a policy starts."""
        self._change(request, TriggerTasks=[given(task) for task in request.TriggerTasks or ()])
        return models.ModifyAlarmPolicyTasksResponse()

    @action("ModifyAlarmPolicyCondition", requires=("Module", "PolicyId"))
    def modify_alarm_policy_condition(
        self, request: models.ModifyAlarmPolicyConditionRequest
    ) -> models.ModifyAlarmPolicyConditionResponse:
        """Change what a policy watches for."""
        namespace = self.namespace(self.policy(request.PolicyId)["Namespace"])
        self._change(request, **self._condition(namespace, request))
        return models.ModifyAlarmPolicyConditionResponse()

    @action("DeleteAlarmPolicy", requires=("Module", "PolicyIds"))
    def delete_alarm_policy(self, request: models.DeleteAlarmPolicyRequest) -> models.DeleteAlarmPolicyResponse:
        """Remove policies, and let go of what they watch."""
        self.check_module(request)
        for identifier in not_empty("PolicyIds", request.PolicyIds):
            self.policy(identifier)
            for one in self.watched_by(identifier):
                self.store.delete(Kind.ALARM_BINDING, one["UniqueId"])
            self.store.delete(Kind.ALARM_POLICY, identifier)
            self.cloud.tags.forget(identifier)
        return models.DeleteAlarmPolicyResponse()

    def _change(self, request: Any, **changes: Any) -> None:
        self.check_module(request)
        document = self.policy(request.PolicyId)
        document.update(changes, UpdateTime=int(time.time()), LastEditUin=self.cloud.account.uin)
        self.store.put(Kind.ALARM_POLICY, document["PolicyId"], document)

    def _notices(self, identifiers: list[str] | None) -> list[str]:
        return [str(self.notice(identifier)["Id"]) for identifier in identifiers or ()]

    def _shown(self, document: Document) -> Document:
        watched = self.watched_by(document["PolicyId"])
        notices = [self.notice(identifier) for identifier in document["NoticeIds"]]
        return {
            **document,
            "Notices": [shown_notice(self, one) for one in notices],
            "UseSum": len(watched),
            "InstanceSum": len(watched),
            "InstanceGroupId": 0,
            "Region": sorted({one["Region"] for one in watched}),
            "TagInstances": [],
            "Tags": self.cloud.tags.listed(document["PolicyId"]),
        }

    def _condition(self, namespace: AlarmNamespace, request: Any) -> Document:
        """Return the fields that say what a policy watches for; raise CloudError for what can't be watched for."""
        rules = request.Condition.Rules or [] if request.Condition else []
        events = request.EventCondition.Rules or [] if request.EventCondition else []
        if not rules and not events:
            raise CloudError("MissingParameter", "A policy needs rules: give Condition or EventCondition.")
        dimensions = request.Filter.Dimensions if request.Filter else None
        return {
            "Condition": {
                "IsUnionRule": (request.Condition.IsUnionRule or 0) if request.Condition else 0,
                "Rules": [_rule(namespace, rule) for rule in rules],
            },
            "EventCondition": {"Rules": [_event(namespace, rule) for rule in events]},
            "Filter": {"Type": request.Filter.Type or "", "Dimensions": dimensions or ""} if request.Filter else None,
            "GroupBy": [{"Id": name, "Name": name} for name in request.GroupBy or ()],
        }


def _rule(namespace: AlarmNamespace, rule: Any) -> Document:
    metric = namespace.metrics.get(rule.MetricName)
    if metric is None:
        raise CloudError(
            "InvalidParameter.Param",
            f"{namespace.identifier} has no metric {rule.MetricName!r}: {', '.join(namespace.metrics)}.",
        )
    if rule.Operator not in OPERATORS:
        raise CloudError(
            "InvalidParameter.Param", f"Operator is {rule.Operator!r}; give one of {', '.join(sorted(OPERATORS))}."
        )
    if rule.Period not in {None, 60, 300}:
        raise CloudError("InvalidParameter.Param", f"Period is {rule.Period}; give 60 or 300 seconds.")
    try:
        float(rule.Value or "")
    except ValueError:
        raise CloudError("InvalidParameter.Param", f"Value is {rule.Value!r}; give a number.") from None
    description, unit, _ = metric
    return {"Description": description, "Unit": unit, "RuleType": "STATIC", **_without_empty(given(rule))}


def _event(namespace: AlarmNamespace, rule: Any) -> Document:
    description = namespace.events.get(rule.MetricName)
    if description is None:
        raise CloudError(
            "InvalidParameter.Param",
            f"{namespace.identifier} has no event {rule.MetricName!r}: {', '.join(namespace.events) or 'none'}.",
        )
    return {"Description": description, "Unit": "", "RuleType": "", **_without_empty(given(rule))}


def _without_empty(rule: Document) -> Document:
    return {name: value for name, value in rule.items() if value != ""}
