"""Commands on instances by TAT, as Tencent documents its limits."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.automation import CONTENT_LIMIT, OUTPUT_LIMIT, summary, truncate
from tests.cloud import Cloud
from tests.localcloud import orders
from tests.localcloud.refusals import refused


@pytest.fixture(scope="module")
def instance(cloud: Cloud) -> Iterator[str]:
    with orders.lighthouse(cloud) as instance:
        yield instance


def _encoded(script: str) -> str:
    return base64.b64encode(script.encode()).decode()


def _run(cloud: Cloud, instance: str, script: str, **more: Any) -> dict[str, Any]:
    parameters = {"Content": _encoded(script), "InstanceIds": [instance], **more}
    return cloud.task(cloud.call("tat", "RunCommand", parameters)["InvocationId"])


def _output(task: dict[str, Any]) -> str:
    return base64.b64decode(task["TaskResult"]["Output"]).decode()


def test_a_command_that_succeeds(cloud: Cloud, instance: str) -> None:
    task = _run(cloud, instance, "pwd; id -un; echo error >&2", WorkingDirectory="/tmp", CommandName="看看")
    assert (task["TaskStatus"], task["TaskResult"]["ExitCode"]) == ("SUCCESS", 0)
    assert _output(task) == "/tmp\nroot\nerror\n"
    assert task["CommandName"] == "看看"
    assert task["CommandDocument"]["WorkingDirectory"] == "/tmp"
    assert task["StartTime"] <= task["EndTime"]
    question = {"InvocationIds": [task["InvocationId"]]}
    (invocation,) = cloud.call("tat", "DescribeInvocations", question)["InvocationSet"]
    assert (invocation["InvocationStatus"], invocation["InstanceKind"]) == ("SUCCESS", "LIGHTHOUSE")
    (basic,) = invocation["InvocationTaskBasicInfoSet"]
    assert (basic["TaskStatus"], basic["InstanceId"]) == ("SUCCESS", instance)


def test_a_command_that_fails(cloud: Cloud, instance: str) -> None:
    task = _run(cloud, instance, "echo before; exit 7")
    assert (task["TaskStatus"], task["TaskResult"]["ExitCode"]) == ("FAILED", 7)
    assert _output(task) == "before\n"


def test_a_command_that_takes_too_long(cloud: Cloud, instance: str) -> None:
    task = _run(cloud, instance, "echo begun; sleep 60; echo ended", Timeout=1)
    assert task["TaskStatus"] == "TIMEOUT"
    assert _output(task) == "begun\n"


@pytest.mark.parametrize("more", [{"Username": "nobody-here"}, {"WorkingDirectory": "/nowhere"}])
def test_a_command_that_cant_be_started(cloud: Cloud, instance: str, more: dict[str, str]) -> None:
    task = _run(cloud, instance, "true", **more)
    assert task["TaskStatus"] == "START_FAILED"
    assert next(iter(more.values())) in task["ErrorInfo"]


def test_another_user(cloud: Cloud, instance: str) -> None:
    task = _run(cloud, instance, "id -un", Username="nobody", WorkingDirectory="/tmp")
    assert (task["TaskStatus"], _output(task)) == ("SUCCESS", "nobody\n")


def test_the_output_is_hidden_unless_asked_for(cloud: Cloud, instance: str) -> None:
    task = _run(cloud, instance, "echo secret")
    question = {"InvocationTaskIds": [task["InvocationTaskId"]]}
    (hidden,) = cloud.call("tat", "DescribeInvocationTasks", question)["InvocationTaskSet"]
    assert (hidden["TaskStatus"], hidden["TaskResult"]["Output"]) == ("SUCCESS", "")


def test_a_long_output_is_cut(cloud: Cloud, instance: str) -> None:
    task = _run(cloud, instance, "head -c 100000 /dev/zero | tr '\\0' x")
    kept = _output(task)
    assert len(task["TaskResult"]["Output"]) <= OUTPUT_LIMIT
    assert len(kept) + task["TaskResult"]["Dropped"] == 100000


@given(st.binary(max_size=3 * OUTPUT_LIMIT))
def test_what_is_kept_of_an_output_fits(output: bytes) -> None:
    kept, dropped = truncate(output)
    assert len(kept) <= OUTPUT_LIMIT
    assert base64.b64decode(kept) == output[: len(output) - dropped]


def test_a_command_of_64_kb_and_one_more(cloud: Cloud, instance: str) -> None:
    script = "echo ok #".ljust(CONTENT_LIMIT // 4 * 3, "x")
    assert len(_encoded(script)) == CONTENT_LIMIT
    assert _output(_run(cloud, instance, script)) == "ok\n"
    longer = {"Content": _encoded(script + "x"), "InstanceIds": [instance]}
    assert refused(cloud, "tat", "RunCommand", longer) == "InvalidParameterValue.TooLong"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Content": "echo plain"}, "InvalidParameterValue.CommandContentInvalid"),
        ({"Content": ""}, "InvalidParameterValue.CommandContentInvalid"),
        ({"Timeout": 0}, "InvalidParameterValue.Range"),
        ({"Timeout": 86401}, "InvalidParameterValue.Range"),
        ({"WorkingDirectory": "tmp"}, "InvalidParameterValue.InvalidWorkingDirectory"),
        ({"Username": "a b"}, "InvalidParameterValue.InvalidUsername"),
        ({"CommandType": "POWERSHELL"}, "InvalidParameterValue.AgentUnsupportedCommandType"),
        ({"CommandName": "a/b"}, "InvalidParameterValue.InvalidCommandName"),
        ({"InstanceIds": ["ins-00000000"]}, "ResourceNotFound.InstanceNotFound"),
        ({"InstanceIds": ["server"]}, "InvalidParameterValue.InvalidInstanceId"),
        ({"InstanceIds": []}, "MissingParameter"),
        ({"Parameters": "{}"}, "InvalidParameterValue.SupportParametersOnlyIfEnableParameter"),
        ({"OutputCOSBucketUrl": "https://b.cos.ap-beijing.myqcloud.com"}, "UnsupportedOperation"),
    ],
)
def test_commands_that_cant_be_run(cloud: Cloud, instance: str, changes: dict[str, Any], code: str) -> None:
    parameters = {"Content": _encoded("true"), "InstanceIds": [instance], **changes}
    assert refused(cloud, "tat", "RunCommand", parameters) == code


def test_only_a_running_instance_has_its_agent_online(cloud: Cloud) -> None:
    with orders.lighthouse(cloud) as instance:
        question = {"InstanceIds": [instance]}

        def status() -> str:
            (agent,) = cloud.call("tat", "DescribeAutomationAgentStatus", question)["AutomationAgentSet"]
            return str(agent["AgentStatus"])

        assert status() == "Online"
        cloud.call("lighthouse", "StopInstances", question)
        cloud.settle()
        assert status() == "Offline"
        command = {"Content": _encoded("true"), **question}
        assert refused(cloud, "tat", "RunCommand", command) == "ResourceUnavailable.InstanceStateNotRunning"


def test_commands_on_two_instances_and_of_two_products(cloud: Cloud, instance: str) -> None:
    with orders.lighthouse(cloud) as other, orders.cvm(cloud) as (of_cvm, _):
        parameters = {"Content": _encoded("hostname"), "InstanceIds": [instance, other]}
        invocation = cloud.call("tat", "RunCommand", parameters)["InvocationId"]
        question = {"Filters": [{"Name": "invocation-id", "Values": [invocation]}], "HideOutput": False}

        def tasks() -> list[dict[str, Any]]:
            return list(cloud.call("tat", "DescribeInvocationTasks", question)["InvocationTaskSet"])

        cloud.until(lambda: {task["TaskStatus"] for task in tasks()} == {"SUCCESS"})
        assert len({_output(task) for task in tasks()}) == 2
        mixed = {**parameters, "InstanceIds": [instance, of_cvm]}
        assert refused(cloud, "tat", "RunCommand", mixed) == "InvalidParameterValue.InconsistentInstance"


def test_a_kept_command_with_parameters(cloud: Cloud, instance: str) -> None:
    made = cloud.call(
        "tat",
        "CreateCommand",
        {
            "CommandName": "greet",
            "Content": _encoded("echo {{greeting}} {{ name }}"),
            "EnableParameter": True,
            "DefaultParameters": json.dumps({"greeting": "hello"}),
        },
    )
    command = {"CommandId": made["CommandId"]}
    twice = {"CommandName": "greet", "Content": _encoded("true")}
    assert refused(cloud, "tat", "CreateCommand", twice) == "InvalidParameterValue.CommandNameDuplicated"
    run = {**command, "InstanceIds": [instance]}
    assert refused(cloud, "tat", "InvokeCommand", run) == "InvalidParameterValue.LackOfParameters"
    invocation = cloud.call("tat", "InvokeCommand", {**run, "Parameters": json.dumps({"name": "luodi"})})
    assert _output(cloud.task(invocation["InvocationId"])) == "hello luodi\n"
    cloud.call("tat", "ModifyCommand", {**command, "Content": _encoded("echo changed"), "Timeout": 5})
    (shown,) = cloud.call("tat", "DescribeCommands", {"CommandIds": [made["CommandId"]]})["CommandSet"]
    assert (shown["Timeout"], shown["CommandName"]) == (5, "greet")
    cloud.call("tat", "DeleteCommand", command)
    assert refused(cloud, "tat", "DeleteCommand", command) == "ResourceNotFound.CommandNotFound"


def test_a_command_can_be_stopped(cloud: Cloud, instance: str) -> None:
    parameters = {"Content": _encoded("sleep 300"), "InstanceIds": [instance], "Timeout": 600}
    invocation = cloud.call("tat", "RunCommand", parameters)["InvocationId"]
    filters = [{"Name": "invocation-id", "Values": [invocation]}]

    def status() -> str:
        (task,) = cloud.call("tat", "DescribeInvocationTasks", {"Filters": filters})["InvocationTaskSet"]
        return str(task["TaskStatus"])

    cloud.until(lambda: status() == "RUNNING")
    cloud.call("tat", "CancelInvocation", {"InvocationId": invocation})
    assert cloud.task(invocation)["TaskStatus"] == "TERMINATED"
    cloud.until(lambda: cloud.run(instance, "pgrep -f 'sleep 300' || echo none").strip() == "none")


def test_a_lighthouse_instance_runs_its_first_command(cloud: Cloud) -> None:
    first = {"Content": _encoded("echo first > /root/first"), "Timeout": 30}
    with orders.lighthouse(cloud, InitCommand=first) as instance:
        shown = orders.described(cloud, instance) or {}
        assert cloud.task(shown["InitInvocationId"])["TaskStatus"] == "SUCCESS"
        assert cloud.run(instance, "cat /root/first") == "first\n"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["PENDING", "PENDING"], "PENDING"),
        (["SUCCESS", "RUNNING"], "RUNNING"),
        (["SUCCESS", "SUCCESS"], "SUCCESS"),
        (["SUCCESS", "FAILED"], "PARTIAL_FAILED"),
        (["FAILED", "START_FAILED"], "FAILED"),
        (["TIMEOUT"], "TIMEOUT"),
        (["TERMINATED"], "CANCELLED"),
        (["SUCCESS", "CANCELLED"], "PARTIAL_CANCELLED"),
    ],
)
def test_how_an_invocation_went(statuses: list[str], expected: str) -> None:
    assert summary(statuses) == expected
