"""Commands on the server by TAT, with an account and a clock that do as they are told."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from luodi.api import ApiError
from luodi.delivery import tat
from luodi.delivery.tat import COMMAND_LIMIT, SCRIPT_LIMIT, CommandFailed, Shell, Silent
from tests.unit.fake_account import Answer, FakeAccount, refused

INSTANCE = "ins-0abc"


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def shell(answers: dict[str, Answer], time: FakeTime | None = None) -> tuple[Shell, FakeAccount]:
    account, time = FakeAccount(answers=answers), time or FakeTime()
    return Shell(account, INSTANCE, clock=time.clock, sleep=time.sleep), account


def in_turn(*answers: dict[str, Any]) -> Answer:
    """Each answer once, the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def agent(status: str) -> dict[str, Any]:
    return {"AutomationAgentSet": [{"InstanceId": INSTANCE, "AgentStatus": status}]}


def task(status: str, output: str | bytes = "", **result: Any) -> dict[str, Any]:
    data = output.encode() if isinstance(output, str) else output
    outcome = {"Output": base64.b64encode(data).decode(), "ExitCode": 0, **result}
    return {"InvocationTaskSet": [{"TaskStatus": status, "TaskResult": outcome, "ErrorInfo": ""}]}


def started(_: dict[str, Any]) -> dict[str, Any]:
    return {"CommandId": "cmd-1", "InvocationId": "inv-7"}


# --- waiting for the agent ---------------------------------------------------------------------------


def test_an_agent_that_is_online_is_not_waited_for() -> None:
    time = FakeTime()
    one, account = shell({"DescribeAutomationAgentStatus": in_turn(agent("Online"))}, time)
    one.wait()
    assert time.pauses == []
    assert account.calls == [("tat DescribeAutomationAgentStatus", {"InstanceIds": [INSTANCE], "Limit": 1})]


def test_an_agent_that_comes_online_is_waited_for() -> None:
    time = FakeTime()
    not_yet: list[dict[str, Any]] = [{}, {"AutomationAgentSet": None}, {"AutomationAgentSet": []}, agent("Offline")]
    one, account = shell({"DescribeAutomationAgentStatus": in_turn(*not_yet, agent("Online"))}, time)
    one.wait()
    assert len(account.calls) == 5
    assert time.now < 1


def test_an_agent_that_stays_offline_is_told() -> None:
    time = FakeTime()
    one, account = shell({"DescribeAutomationAgentStatus": in_turn(agent("Offline"))}, time)
    with pytest.raises(Silent) as caught:
        one.wait(60)
    assert str(caught.value) == (
        "The TAT agent (自动化助手) of ins-0abc was not online within 60 s. Is the server running? An image without "
        "the agent needs it installed: https://cloud.tencent.com/document/product/1340/51945"
    )
    assert 60 <= time.now < 63
    assert len(account.calls) < 60


def test_an_account_that_may_not_ask_is_told_at_once() -> None:
    one, account = shell({"DescribeAutomationAgentStatus": refused("UnauthorizedOperation")})
    with pytest.raises(ApiError, match="UnauthorizedOperation"):
        one.wait()
    assert len(account.calls) == 1


# --- commands ----------------------------------------------------------------------------------------


def test_a_command_gives_what_it_prints() -> None:
    time = FakeTime()
    steps = ["PENDING", "DELIVERING", "DELIVER_DELAYED", "RUNNING", "CANCELLING"]
    ended = in_turn({}, {"InvocationTaskSet": []}, *(task(step, "so far") for step in steps), task("SUCCESS", "落地\n"))
    one, account = shell({"RunCommand": started, "DescribeInvocationTasks": ended}, time)
    assert one.run("Looking", "echo 落地") == "落地\n"
    assert account.asked("RunCommand") == [
        {
            "Content": base64.b64encode("echo 落地".encode()).decode(),
            "InstanceIds": [INSTANCE],
            "CommandType": "SHELL",
            "Timeout": 120,
            "Username": "root",
            "WorkingDirectory": "/root",
        }
    ]
    assert account.asked("DescribeInvocationTasks")[0] == {
        "Filters": [{"Name": "invocation-id", "Values": ["inv-7"]}],
        "HideOutput": False,
    }
    assert len(account.asked("DescribeInvocationTasks")) == 8
    assert time.pauses[0] <= 0.1
    assert max(time.pauses) <= 2


@pytest.mark.parametrize(
    ("status", "result", "told"),
    [
        ("FAILED", {"ExitCode": 7}, "Looking failed with exit code 7 on ins-0abc:\nno such thing"),
        (
            "FAILED",
            {"ExitCode": 137},
            "Looking failed, killed by SIGKILL (no memory, or by hand: run this again), on ins-0abc:\nno such thing",
        ),
        (
            "TIMEOUT",
            {"ExitCode": -1},
            "Looking took too long and was stopped with exit code -1 on ins-0abc:\nno such thing",
        ),
        ("TASK_TIMEOUT", {}, "Looking got no answer from the agent on ins-0abc:\nno such thing"),
        ("START_FAILED", {}, "Looking could not be started on ins-0abc:\nno such thing"),
        ("DELIVER_FAILED", {}, "Looking could not be delivered on ins-0abc:\nno such thing"),
        ("TERMINATED", {"ExitCode": None}, "Looking was terminated on ins-0abc:\nno such thing"),
        ("CANCELLED", {}, "Looking was cancelled on ins-0abc:\nno such thing"),
    ],
)
def test_a_command_that_fails_is_told_with_its_own_words(status: str, result: dict[str, Any], told: str) -> None:
    ended = in_turn(task("RUNNING"), task(status, "no such thing\n", **result))
    one, account = shell({"RunCommand": started, "DescribeInvocationTasks": ended})
    with pytest.raises(CommandFailed) as caught:
        one.run("Looking", "look")
    assert str(caught.value) == told
    assert caught.value.status == status
    assert caught.value.output == "no such thing\n"
    assert len(account.asked("DescribeInvocationTasks")) == 2


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        ({"TaskStatus": "FAILED", "TaskResult": {"Output": "", "ExitCode": 1}, "ErrorInfo": None}, "(no output)"),
        ({"TaskStatus": "DELIVER_FAILED", "TaskResult": None, "ErrorInfo": "agent offline"}, "agent offline"),
        ({"TaskStatus": "START_FAILED", "TaskResult": {"Output": None}, "ErrorInfo": "no such user"}, "no such user"),
    ],
)
def test_a_command_that_fails_without_output(failed: dict[str, Any], told: str) -> None:
    one, _ = shell({"RunCommand": started, "DescribeInvocationTasks": lambda _: {"InvocationTaskSet": [failed]}})
    with pytest.raises(CommandFailed) as caught:
        one.run("Looking", "look")
    assert str(caught.value).endswith(f" on ins-0abc:\n{told}")


def test_every_way_to_end_is_known() -> None:
    """Of the statuses that the SDK's documentation has for a task, all but these are an end."""
    from tencentcloud.tat.v20201028.models import InvocationTask

    documented = {
        line.split("：")[0].removeprefix("- ")
        for line in str(InvocationTask.TaskStatus.__doc__).splitlines()
        if line.startswith("- ")
    }
    going_on = {"PENDING", "DELIVERING", "DELIVER_DELAYED", "RUNNING", "CANCELLING"}
    assert going_on < documented
    for status in documented - going_on - {"SUCCESS"}:
        one, _ = shell({"RunCommand": started, "DescribeInvocationTasks": in_turn(task(status))})
        with pytest.raises(CommandFailed) as caught:
            one.run("Looking", "look")
        assert caught.value.status == status


def test_a_command_that_never_ends_is_told() -> None:
    time = FakeTime()
    one, account = shell({"RunCommand": started, "DescribeInvocationTasks": in_turn(task("RUNNING"))}, time)
    with pytest.raises(CommandFailed) as caught:
        one.run("Looking", "look", seconds=300)
    assert str(caught.value) == "Looking took too long and was stopped on ins-0abc:\nTAT reported no end of it"
    assert account.asked("RunCommand")[0]["Timeout"] == 300
    assert 360 <= time.now < 363  # after TAT's own time-out, with time for the delivery


def test_output_that_is_no_text_is_given_as_it_can_be() -> None:
    one, _ = shell({"RunCommand": started, "DescribeInvocationTasks": in_turn(task("SUCCESS", b"a\xffb"))})
    assert one.run("Looking", "look") == "a\ufffdb"


def test_a_command_that_is_refused_is_told() -> None:
    one, account = shell({"RunCommand": refused("ResourceUnavailable.AgentStatusNotOnline", "offline")})
    with pytest.raises(ApiError, match="offline"):
        one.run("Looking", "look")
    assert len(account.calls) == 1


@pytest.mark.parametrize(("make", "fits"), [(lambda n: "x" * n, True), (lambda n: "x" * (n + 1), False)])
def test_a_script_is_as_large_as_tat_takes(make: Callable[[int], str], fits: bool) -> None:
    one, account = shell({"RunCommand": started, "DescribeInvocationTasks": in_turn(task("SUCCESS"))})
    script = make(SCRIPT_LIMIT)
    if fits:
        one.run("Looking", script)
        assert len(account.asked("RunCommand")[0]["Content"]) == COMMAND_LIMIT
    else:
        with pytest.raises(ValueError, match=r"Looking: a script of 49153 bytes; TAT takes 49152 at most"):
            one.run("Looking", script)
        assert account.calls == []


@pytest.mark.parametrize(
    ("code", "gone"),
    [
        ("ResourceNotFound.InstanceNotFound", True),
        ("InvalidInstanceId.NotFound", True),
        ("ResourceNotFound", True),
        ("UnauthorizedOperation", False),
        ("InternalError", False),
    ],
)
def test_a_server_that_is_gone(code: str, gone: bool) -> None:
    assert tat.gone(ApiError("RunCommand", code, "no")) is gone
