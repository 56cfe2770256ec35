"""Commands on the server by TAT (自动化助手), Tencent Cloud's own agent: no SSH, no open port.

The provider's invocation resource does not wait for what it starts, so the API is called itself:
RunCommand, then DescribeInvocationTasks until the task has ended
(https://cloud.tencent.com/document/product/1340).
"""

from __future__ import annotations

import base64
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

from luodi.api import Account, ApiError
from luodi.words import Told, Words

COMMAND_LIMIT = 64 * 1024
"""Characters that a command may have, in base64 (TAT RunCommand, Content)."""

SCRIPT_LIMIT = COMMAND_LIMIT // 4 * 3
"""Bytes of script that fit a command."""

T = TypeVar("T")

_ENDED_BADLY = {
    "FAILED": Words("失败", "failed"),
    "TIMEOUT": Words("用时过长，已被停止", "took too long and was stopped"),
    "TASK_TIMEOUT": Words("没有得到客户端的回应", "got no answer from the agent"),
    "START_FAILED": Words("未能启动", "could not be started"),
    "DELIVER_FAILED": Words("未能下发", "could not be delivered"),
    "TERMINATED": Words("被终止", "was terminated"),
    "CANCELLED": Words("被取消", "was cancelled"),
}
_FAILED = Words("{what}：在 {instance} 上{how}{code}：\n{output}", "{what} {how}{code} on {instance}:\n{output}")
_CODE = Words("（退出码 {code}）", " with exit code {code}")
_KILLED = Words(
    "，被 {name} 终止（内存不足，或有人终止：请再运行一次）",
    ", killed by {name} (no memory, or by hand: run this again),",
)
_NO_OUTPUT = Words("（没有输出）", "(no output)")
_SILENT = Words(
    "{instance} 的自动化助手（TAT）客户端在 {seconds} 秒内没有上线。服务器在运行吗？没有客户端的镜像需要先安装它："
    "https://cloud.tencent.com/document/product/1340/51945",
    "The TAT agent (自动化助手) of {instance} was not online within {seconds} s. Is the server running? An image "
    "without the agent needs it installed: https://cloud.tencent.com/document/product/1340/51945",
)


class CommandFailed(Told):
    """A command that the server ran and that failed; `output` is its own words."""

    def __init__(self, what: str | Words, instance: str, status: str, code: int | None, output: str) -> None:
        self.status, self.exit_code, self.output = status, code, output
        super().__init__(
            _FAILED.fill(
                what=what,
                instance=instance,
                how=_ENDED_BADLY.get(status, status),
                code=_ending(code) if code else "",
                output=output.strip() or _NO_OUTPUT,
            )
        )


def _ending(code: int) -> Words:
    """What a shell's exit code says of how a command ended, the signal that ended it among that."""
    try:
        name = signal.Signals(code - 128).name
    except ValueError:
        return _CODE.fill(code=code)
    return _KILLED.fill(name=name)


class Silent(Told):
    """A server whose agent can't be reached."""

    def __init__(self, instance: str, seconds: float) -> None:
        super().__init__(_SILENT.fill(instance=instance, seconds=f"{seconds:.0f}"))


class Shell:
    """A server's shell, through TAT."""

    def __init__(
        self,
        account: Account,
        instance: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account, self.instance = account, instance
        self._clock, self._sleep = clock, sleep

    def wait(self, seconds: float = 300) -> None:
        """Wait until the agent is online, `seconds` at most. Raises Silent."""

        def online() -> bool:
            answer = self._call("DescribeAutomationAgentStatus", {"InstanceIds": [self.instance], "Limit": 1})
            found = answer.get("AutomationAgentSet") or []
            return any(agent.get("AgentStatus") == "Online" for agent in found)

        if self._until(online, seconds) is None:
            raise Silent(self.instance, seconds)

    def run(self, what: str | Words, script: str, *, seconds: int = 120) -> str:
        """Run a bash script as root, wait for its end, and give what it printed.

        `what` names it in errors. Raises CommandFailed, or ValueError when the script is over SCRIPT_LIMIT.
        """
        content = script.encode()
        if len(content) > SCRIPT_LIMIT:
            raise ValueError(f"{what}: a script of {len(content)} bytes; TAT takes {SCRIPT_LIMIT} at most")
        started = self._call(
            "RunCommand",
            {
                "Content": base64.b64encode(content).decode(),
                "InstanceIds": [self.instance],
                "CommandType": "SHELL",
                "Timeout": seconds,
                "Username": "root",
                "WorkingDirectory": "/root",
            },
        )
        # A task ends by its own time-out; what is added covers its delivery to the agent.
        task = self._until(lambda: self._ended(started["InvocationId"]), seconds + 60)
        if task is None:
            raise CommandFailed(what, self.instance, "TIMEOUT", None, "TAT reported no end of it")
        result = task.get("TaskResult") or {}
        output = base64.b64decode(result.get("Output") or "").decode("utf-8", "replace")
        if task["TaskStatus"] != "SUCCESS":
            said = output or str(task.get("ErrorInfo") or "")
            raise CommandFailed(what, self.instance, task["TaskStatus"], result.get("ExitCode"), said)
        return output

    def _ended(self, invocation: str) -> dict[str, Any] | None:
        answer = self._call(
            "DescribeInvocationTasks",
            {"Filters": [{"Name": "invocation-id", "Values": [invocation]}], "HideOutput": False},
        )
        for task in answer.get("InvocationTaskSet") or []:
            if task["TaskStatus"] == "SUCCESS" or task["TaskStatus"] in _ENDED_BADLY:
                return dict(task)
        return None

    def _until(self, look: Callable[[], T], seconds: float) -> T | None:
        """What `look` gives once it is true; None when it is not within the time."""
        end, pause = self._clock() + seconds, 0.05
        while True:
            if found := look():
                return found
            if self._clock() > end:
                return None
            self._sleep(pause)
            pause = min(pause * 1.6, 2.0)

    def _call(self, action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return self._account.call("tat", action, parameters)


def gone(error: ApiError) -> bool:
    """Whether an API error says that the instance does not exist any more."""
    return error.code in {
        "ResourceNotFound.InstanceNotFound",
        "InvalidInstanceId.NotFound",
        "InvalidParameterValue.InvalidInstanceId",
        "ResourceNotFound",
    }
