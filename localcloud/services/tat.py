"""TencentCloud Automation Tools (TAT, 自动化助手): commands on instances, without SSH."""

from __future__ import annotations

import json
import re
from typing import Any

from tencentcloud.tat.v20201028 import models

from localcloud.automation import Command, script_of, tasks_of
from localcloud.errors import CloudError
from localcloud.fleet import INSTANCES, Instance
from localcloud.formats import new_id, timestamp
from localcloud.services.base import Service, action, not_empty, page, select
from localcloud.store import Document, Kind
from localcloud.wire import build

MAXIMUM_TIMEOUT = 86400
INSTANCES_PER_CALL = 200
AGENT_VERSION = "1.1.13"
"""A version of Tencent's own tat_agent, as DescribeAutomationAgentStatus shows one."""
_NAME = re.compile(r"[A-Za-z0-9_.\-\u4e00-\u9fff]{1,60}")
_USER = re.compile(r"^[A-Za-z_][A-Za-z0-9_.\-]{0,31}\$?$")
_KEY = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_PLACEHOLDER = re.compile(r"\{\{\s*(?:tat-hidden:)?([A-Za-z0-9_-]{1,64})\s*\}\}")


class Tat(Service):
    """Product `tat`."""

    product = "tat"
    version = "2020-10-28"
    sdk = models

    # Commands

    @action("CreateCommand", requires=("CommandName", "Content"))
    def create_command(self, request: models.CreateCommandRequest) -> models.CreateCommandResponse:
        """Keep a command, to be invoked later."""
        names = {one["CommandName"] for one in self.store.all(Kind.COMMAND, self.region)}
        if request.CommandName in names:
            raise CloudError(
                "InvalidParameterValue.CommandNameDuplicated",
                f"There is a command named {request.CommandName}.",
            )
        return build(models.CreateCommandResponse, CommandId=self._keep_command(request))

    @action("DescribeCommands")
    def describe_commands(self, request: models.DescribeCommandsRequest) -> models.DescribeCommandsResponse:
        """List kept commands."""
        found = select(
            self.store.all(Kind.COMMAND, self.region),
            ids=request.CommandIds,
            id_field="CommandId",
            filters=request.Filters,
            by={
                "command-id": "CommandId",
                "command-name": "CommandName",
                "command-type": "CommandType",
                "created-by": "CreatedBy",
            },
            tags_of=self.cloud.tags.of,
            code="InvalidParameterValue.InvalidFilter",
        )
        return build(
            models.DescribeCommandsResponse,
            TotalCount=len(found),
            CommandSet=[
                {**one, "Tags": self.cloud.tags.listed(one["CommandId"])}
                for one in page(found, request.Offset, request.Limit)
            ],
        )

    @action("ModifyCommand", requires=("CommandId",))
    def modify_command(self, request: models.ModifyCommandRequest) -> models.ModifyCommandResponse:
        """Change a kept command."""
        document = self._command(request.CommandId)
        _check(request)
        fields = (
            "CommandName",
            "Description",
            "Content",
            "WorkingDirectory",
            "Timeout",
            "DefaultParameters",
            "Username",
        )
        for name in fields:
            value = getattr(request, name)
            if value is not None:
                document[name] = value
        document["UpdatedTime"] = timestamp()
        self.store.put(Kind.COMMAND, request.CommandId, document)
        return models.ModifyCommandResponse()

    @action("DeleteCommand", requires=("CommandId",))
    def delete_command(self, request: models.DeleteCommandRequest) -> models.DeleteCommandResponse:
        """Remove a kept command."""
        self._command(request.CommandId)
        self.store.delete(Kind.COMMAND, request.CommandId)
        self.cloud.tags.forget(request.CommandId)
        return models.DeleteCommandResponse()

    # Invocations

    @action("RunCommand", requires=("Content", "InstanceIds"))
    def run_command(self, request: models.RunCommandRequest) -> models.RunCommandResponse:
        """Run a command that need not be kept."""
        _check(request)
        kind = self._check_instances(request.InstanceIds)
        command_id = self._keep_command(request) if request.SaveCommand else new_id("cmd")
        command = self._fill(
            {
                "CommandId": command_id,
                "CommandName": request.CommandName or "",
                "Content": request.Content,
                "Timeout": request.Timeout or 60,
                "WorkingDirectory": request.WorkingDirectory or "/root",
                "Username": request.Username or "root",
                "EnableParameter": bool(request.EnableParameter),
                "DefaultParameters": _default_parameters(request),
            },
            request.Parameters,
        )
        invocation = self.cloud.automation.invoke(command, request.InstanceIds, self.region, kind=kind)
        return build(models.RunCommandResponse, CommandId=command_id, InvocationId=invocation)

    @action("InvokeCommand", requires=("CommandId", "InstanceIds"))
    def invoke_command(self, request: models.InvokeCommandRequest) -> models.InvokeCommandResponse:
        """Run a kept command."""
        document = dict(self._command(request.CommandId))
        _check(request)
        kind = self._check_instances(request.InstanceIds)
        for name in ("Timeout", "WorkingDirectory", "Username"):
            value = getattr(request, name)
            if value is not None:
                document[name] = value
        command = self._fill(document, request.Parameters)
        invocation = self.cloud.automation.invoke(command, request.InstanceIds, self.region, kind=kind)
        return build(models.InvokeCommandResponse, InvocationId=invocation)

    @action("CancelInvocation", requires=("InvocationId",))
    def cancel_invocation(self, request: models.CancelInvocationRequest) -> models.CancelInvocationResponse:
        """Stop an invocation, on all its instances or on some."""
        if self.store.get(Kind.INVOCATION, request.InvocationId, self.region) is None:
            raise CloudError("ResourceNotFound.InvocationNotFound", f"{request.InvocationId} is not found.")
        tasks = tasks_of(self.store, request.InvocationId)
        known = {task["InstanceId"] for task in tasks}
        for identifier in request.InstanceIds or ():
            if identifier not in known:
                raise CloudError(
                    "InvalidParameterValue.InstanceIsNotRelatedToInvocation",
                    f"{identifier} has no part in {request.InvocationId}.",
                )
        for task in tasks:
            if not request.InstanceIds or task["InstanceId"] in request.InstanceIds:
                self.cloud.automation.cancel(task["InvocationTaskId"])
        return models.CancelInvocationResponse()

    @action("DescribeInvocations")
    def describe_invocations(self, request: models.DescribeInvocationsRequest) -> models.DescribeInvocationsResponse:
        """List invocations, the newest first."""
        found = select(
            reversed(self.store.all(Kind.INVOCATION, self.region)),
            ids=request.InvocationIds,
            id_field="InvocationId",
            filters=request.Filters,
            by={
                "invocation-id": "InvocationId",
                "command-id": "CommandId",
                "command-created-by": lambda _: ["USER"],
                "instance-kind": "InstanceKind",
            },
            code="InvalidParameterValue.InvalidFilter",
        )
        return build(
            models.DescribeInvocationsResponse,
            TotalCount=len(found),
            InvocationSet=[
                {
                    **one,
                    "InvocationTaskBasicInfoSet": [
                        {name: task[name] for name in ("InvocationTaskId", "TaskStatus", "InstanceId")}
                        for task in tasks_of(self.store, one["InvocationId"])
                    ],
                }
                for one in page(found, request.Offset, request.Limit)
            ],
        )

    @action("DescribeInvocationTasks")
    def describe_invocation_tasks(
        self, request: models.DescribeInvocationTasksRequest
    ) -> models.DescribeInvocationTasksResponse:
        """List tasks, one per instance, the newest first; outputs only if HideOutput is false."""
        found = select(
            reversed(self.store.all(Kind.INVOCATION_TASK, self.region)),
            ids=request.InvocationTaskIds,
            id_field="InvocationTaskId",
            filters=request.Filters,
            by={
                "invocation-task-id": "InvocationTaskId",
                "invocation-id": "InvocationId",
                "instance-id": "InstanceId",
                "command-id": "CommandId",
            },
            code="InvalidParameterValue.InvalidFilter",
        )
        shown = page(found, request.Offset, request.Limit)
        if request.HideOutput is not False:
            shown = [{**one, "TaskResult": {**one["TaskResult"], "Output": ""}} for one in shown]
        return build(
            models.DescribeInvocationTasksResponse,
            TotalCount=len(found),
            InvocationTaskSet=shown,
        )

    # Agents

    @action("DescribeAutomationAgentStatus")
    def describe_automation_agent_status(
        self, request: models.DescribeAutomationAgentStatusRequest
    ) -> models.DescribeAutomationAgentStatusResponse:
        """List the agents on instances: online while their machine runs."""
        agents: list[Document] = [
            {
                "InstanceId": one.identifier,
                "Version": AGENT_VERSION,
                "LastHeartbeatTime": timestamp(),
                "AgentStatus": "Online" if one.running else "Offline",
                "Environment": "Linux",
                "SupportFeatures": [],
            }
            for one in self.cloud.fleet
            if one.region == self.region
        ]
        found = select(
            agents,
            ids=request.InstanceIds,
            id_field="InstanceId",
            filters=request.Filters,
            by={
                "agent-status": "AgentStatus",
                "environment": "Environment",
                "instance-id": "InstanceId",
            },
            code="InvalidParameterValue.InvalidFilter",
        )
        return build(
            models.DescribeAutomationAgentStatusResponse,
            TotalCount=len(found),
            AutomationAgentSet=page(found, request.Offset, request.Limit),
        )

    # Parts

    def _command(self, identifier: str) -> Document:
        document = self.store.get(Kind.COMMAND, identifier, self.region)
        if document is None:
            if not identifier.startswith("cmd-"):
                raise CloudError("InvalidParameterValue.InvalidCommandId", f"{identifier} is not a command's id.")
            raise CloudError("ResourceNotFound.CommandNotFound", f"{identifier} is not found in {self.region}.")
        return document

    def _keep_command(self, request: Any) -> str:
        _check(request)
        identifier = new_id("cmd")
        document = {
            "CommandId": identifier,
            "CommandName": request.CommandName or "",
            "Description": request.Description or "",
            "Content": request.Content,
            "CommandType": "SHELL",
            "WorkingDirectory": request.WorkingDirectory or "/root",
            "Timeout": request.Timeout or 60,
            "CreatedTime": timestamp(),
            "UpdatedTime": timestamp(),
            "EnableParameter": bool(request.EnableParameter),
            "DefaultParameters": _default_parameters(request),
            "DefaultParameterConfs": [],
            "Scenes": [],
            "FormattedDescription": "",
            "CreatedBy": "USER",
            "Username": request.Username or "root",
            "OutputCOSBucketUrl": "",
            "OutputCOSKeyPrefix": "",
        }
        self.store.put(Kind.COMMAND, identifier, document, self.region)
        self.cloud.tags.add(identifier, request.Tags)
        return identifier

    def _check_instances(self, identifiers: list[str]) -> str:
        """Return the product of the instances (CVM or LIGHTHOUSE), all of them running."""
        not_empty("InstanceIds", identifiers)
        if len(identifiers) > INSTANCES_PER_CALL:
            raise CloudError(
                "InvalidParameterValue.LimitExceeded",
                f"{len(identifiers)} instances; at most {INSTANCES_PER_CALL} in one call.",
            )
        instances = [self._instance(identifier) for identifier in identifiers]
        if len({one.kind for one in instances}) > 1:
            raise CloudError(
                "InvalidParameterValue.InconsistentInstance",
                "The instances of one call must all be CVM or all be Lighthouse.",
            )
        for one in instances:
            if one.document["InstanceState"] != "RUNNING":
                raise CloudError(
                    "ResourceUnavailable.InstanceStateNotRunning",
                    f"{one.identifier} is {one.document['InstanceState']}.",
                )
            if not one.running:
                raise CloudError(
                    "ResourceUnavailable.AgentStatusNotOnline",
                    f"The agent of {one.identifier} is not online.",
                )
        return "CVM" if instances[0].kind is INSTANCES[0] else "LIGHTHOUSE"

    def _instance(self, identifier: str) -> Instance:
        instance = self.cloud.fleet.find(identifier, self.region)
        if instance is None:
            if not identifier.startswith(("ins-", "lhins-")):
                raise CloudError(
                    "InvalidParameterValue.InvalidInstanceId",
                    f"{identifier} is not an instance's id.",
                )
            raise CloudError(
                "ResourceNotFound.InstanceNotFound",
                f"{identifier} is not found in {self.region}.",
            )
        return instance

    def _fill(self, document: Document, parameters: str | None) -> Command:
        """Return a kept command as it is to run: with its parameters put in."""
        if parameters and not document["EnableParameter"]:
            raise CloudError(
                "InvalidParameterValue.SupportParametersOnlyIfEnableParameter",
                "Parameters are only for commands with EnableParameter.",
            )
        script = script_of(document["Content"])
        if document["EnableParameter"]:
            values = _parameters(document["DefaultParameters"]) | _parameters(parameters or "")
            script = _substitute(script, values)
        return Command(
            content=document["Content"],
            name=document["CommandName"],
            command_id=document["CommandId"],
            timeout=document["Timeout"],
            working_directory=document["WorkingDirectory"],
            username=document["Username"],
            parameters=parameters or "",
            script=script,
        )


def _check(request: Any) -> None:
    """Raise CloudError for what a command may not be; fields that aren't given are not checked."""
    name = getattr(request, "CommandName", None)
    if name is not None and not _NAME.fullmatch(name):
        raise CloudError(
            "InvalidParameterValue.InvalidCommandName",
            f"CommandName {name!r}: Chinese, letters, digits, _ - . and at most 60 of them.",
        )
    content = getattr(request, "Content", None)
    if content is not None:
        script_of(content)
    command_type = getattr(request, "CommandType", None)
    if command_type not in {None, "SHELL"}:
        raise CloudError(
            "InvalidParameterValue.AgentUnsupportedCommandType",
            f"CommandType {command_type}: a Linux machine runs SHELL.",
        )
    if request.Timeout is not None and not 1 <= request.Timeout <= MAXIMUM_TIMEOUT:
        raise CloudError(
            "InvalidParameterValue.Range",
            f"Timeout is {request.Timeout}; give 1 to {MAXIMUM_TIMEOUT} seconds.",
        )
    directory = request.WorkingDirectory
    if directory is not None and not directory.startswith("/"):
        raise CloudError(
            "InvalidParameterValue.InvalidWorkingDirectory",
            f"WorkingDirectory {directory!r} is not an absolute path.",
        )
    if request.Username is not None and not _USER.fullmatch(request.Username):
        raise CloudError("InvalidParameterValue.InvalidUsername", f"Username {request.Username!r} is not one.")
    if request.OutputCOSBucketUrl:
        raise CloudError("UnsupportedOperation", "The rehearsal cloud has no COS: leave OutputCOSBucketUrl out.")


def _default_parameters(request: Any) -> str:
    if request.DefaultParameterConfs and request.DefaultParameters:
        raise CloudError(
            "InvalidParameter.ConflictParameter",
            "DefaultParameters and DefaultParameterConfs can't be given at the same time.",
        )
    if request.DefaultParameterConfs:
        confs = request.DefaultParameterConfs
        return json.dumps({one.ParameterName: one.ParameterValue or "" for one in confs})
    if request.DefaultParameters and not request.EnableParameter:
        raise CloudError(
            "InvalidParameterValue.SupportParametersOnlyIfEnableParameter",
            "DefaultParameters are only for commands with EnableParameter.",
        )
    _parameters(request.DefaultParameters or "")
    return request.DefaultParameters or ""


def _parameters(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise CloudError(
            "InvalidParameterValue.ParameterInvalidJsonFormat",
            "Parameters must be a JSON object of strings.",
        )
    if len(values) > 20:
        raise CloudError("InvalidParameterValue.ParameterNumberExceeded", "There are more than 20 parameters.")
    for key, value in values.items():
        if not _KEY.fullmatch(key):
            raise CloudError(
                "InvalidParameterValue.ParameterKeyContainsInvalidChar",
                f"Parameter {key!r}: letters, digits, _ and -, at most 64.",
            )
        if not isinstance(value, str):
            raise CloudError("InvalidParameterValue.ParameterValueNotString", f"Parameter {key} is not a string.")
    return values


def _substitute(script: bytes, values: dict[str, str]) -> bytes:
    text = script.decode("utf-8", "surrogateescape")
    missing = {key for key in _PLACEHOLDER.findall(text) if key not in values}
    if missing:
        raise CloudError(
            "InvalidParameterValue.LackOfParameters",
            f"No value for {', '.join(sorted(missing))}.",
        )
    filled = _PLACEHOLDER.sub(lambda match: values[match[1]], text)
    return filled.encode("utf-8", "surrogateescape")
