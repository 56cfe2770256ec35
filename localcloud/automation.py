"""TencentCloud Automation Tools (TAT, 自动化助手): commands on their way to machines and back."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.errors import CloudError
from localcloud.fleet import Fleet
from localcloud.formats import new_id, timestamp
from localcloud.machines import MachineError
from localcloud.store import Document, Kind, Store

CONTENT_LIMIT = 64 * 1024
"""Characters of base64 that a command may have: "Base64 编码后的字符串长度不能超过 64KB"
(docstring of RunCommandRequest.Content in tencentcloud-sdk-python-tat)."""

OUTPUT_LIMIT = 24 * 1024
"""Bytes of base64 text that a task's output may have: "Base64编码后的命令输出。最大长度24KB"
(structure TaskResult of tencentcloud-sdk-python-tat)."""
UNFINISHED = frozenset({"PENDING", "DELIVERING", "RUNNING", "CANCELLING"})
_FAILURES = frozenset({"FAILED", "START_FAILED", "DELIVER_FAILED", "TASK_TIMEOUT"})
_CANCELLED = frozenset({"CANCELLED", "TERMINATED"})


@dataclass(frozen=True)
class Command:
    """A script (base64) and how it is run; `timeout` in seconds."""

    content: str
    name: str = ""
    command_id: str = ""
    timeout: int = 60
    working_directory: str = "/root"
    username: str = "root"
    parameters: str = ""
    script: bytes | None = None
    """What really runs, where parameters have been put into the content."""

    @classmethod
    def of_init_command(cls, given: Any) -> Command:
        """Make the command that a Lighthouse instance is to run once it is up."""
        return cls(
            content=given.Content,
            name="InitCommand",
            command_id=new_id("cmd"),
            timeout=given.Timeout or 60,
            working_directory=given.WorkingDirectory or "/root",
            username=given.Username or "root",
        )


class Automation:
    """Runs the tasks of invocations, each on its instance, all at once."""

    def __init__(self, store: Store, fleet: Fleet, log: logging.Logger) -> None:
        """Run tasks of `store` on the machines of `fleet`."""
        self._store = store
        self._fleet = fleet
        self._log = log
        self._running: dict[str, asyncio.Task[None]] = {}

    def invoke(self, command: Command, instances: Sequence[str], region: str, *, kind: str) -> str:
        """Run a command on instances and return the invocation's id.

        `kind` is CVM or LIGHTHOUSE. Whoever calls has checked that the instances are there.
        """
        invocation_id = new_id("inv")
        script = script_of(command.content) if command.script is None else command.script
        document = {
            "Content": command.content,
            "CommandType": "SHELL",
            "Timeout": command.timeout,
            "WorkingDirectory": command.working_directory,
            "Username": command.username,
            "OutputCOSBucketUrl": "",
            "OutputCOSKeyPrefix": "",
        }
        invocation = {
            "InvocationId": invocation_id,
            "CommandId": command.command_id,
            "CommandName": command.name,
            "InvocationStatus": "PENDING",
            "Description": "",
            "StartTime": timestamp(),
            "EndTime": None,
            "CreatedTime": timestamp(),
            "UpdatedTime": timestamp(),
            "Parameters": command.parameters,
            "DefaultParameters": "",
            "InstanceKind": kind,
            "Username": command.username,
            "InvocationSource": "USER",
            "CommandContent": command.content,
            "CommandType": "SHELL",
            "Timeout": command.timeout,
            "WorkingDirectory": command.working_directory,
            "OutputCOSBucketUrl": "",
            "OutputCOSKeyPrefix": "",
        }
        self._store.put(Kind.INVOCATION, invocation_id, invocation, region)
        for instance in instances:
            task_id = new_id("invt")
            task = {
                "InvocationId": invocation_id,
                "InvocationTaskId": task_id,
                "CommandId": command.command_id,
                "CommandName": command.name,
                "TaskStatus": "PENDING",
                "InstanceId": instance,
                "TaskResult": {"ExitCode": 0, "Output": "", "Dropped": 0},
                "StartTime": None,
                "EndTime": None,
                "CreatedTime": timestamp(),
                "UpdatedTime": timestamp(),
                "CommandDocument": document,
                "ErrorInfo": "",
                "InvocationSource": "USER",
                "_Script": base64.b64encode(script).decode("ascii"),
            }
            self._store.put(Kind.INVOCATION_TASK, task_id, task, region)
            self.start(task_id)
        return invocation_id

    def start(self, task_id: str) -> None:
        """Let a task that is PENDING be carried out."""
        task = asyncio.get_running_loop().create_task(self._carry_out(task_id))
        self._running[task_id] = task
        task.add_done_callback(lambda done: self._done(task_id, done))

    def cancel(self, task_id: str) -> None:
        """Stop a task: CANCELLED before it has started, TERMINATED after."""
        document = self._store.get(Kind.INVOCATION_TASK, task_id)
        task = self._running.get(task_id)
        if document is None or document["TaskStatus"] not in UNFINISHED or task is None:
            return
        started = document["TaskStatus"] != "PENDING"
        self._update(task_id, TaskStatus="TERMINATED" if started else "CANCELLED", EndTime=timestamp())
        task.cancel()

    def resume(self) -> None:
        """After a restart: run what was waiting, give up what was under way."""
        for task in self._store.all(Kind.INVOCATION_TASK):
            if task["TaskStatus"] == "PENDING":
                self.start(task["InvocationTaskId"])
            elif task["TaskStatus"] in UNFINISHED:
                self._update(
                    task["InvocationTaskId"],
                    TaskStatus="TASK_TIMEOUT",
                    EndTime=timestamp(),
                    ErrorInfo="The machine stopped while the command ran.",
                )

    async def close(self) -> None:
        """Leave tasks as they are: the next start goes on with them."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, task_id: str) -> None:
        task = self._store.get(Kind.INVOCATION_TASK, task_id)
        if task is None or task["TaskStatus"] != "PENDING":
            return
        await self._fleet.settled(task["InstanceId"])
        command = task["CommandDocument"]
        started = timestamp()
        self._update(task_id, TaskStatus="RUNNING", StartTime=started)
        try:
            outcome = await self._fleet.run(
                task["InstanceId"],
                base64.b64decode(task["_Script"]),
                username=command["Username"],
                working_directory=command["WorkingDirectory"],
                timeout=command["Timeout"],
            )
        except MachineError as error:
            self._update(task_id, TaskStatus="START_FAILED", EndTime=timestamp(), ErrorInfo=str(error))
            return
        output, dropped = truncate(outcome.output)
        if outcome.timed_out:
            status, message = "TIMEOUT", f"The command ran for {command['Timeout']} seconds."
        elif outcome.exit_code is None:
            status, message = "TASK_TIMEOUT", "The machine stopped while the command ran."
        else:
            status, message = ("FAILED" if outcome.exit_code else "SUCCESS"), ""
        self._update(
            task_id,
            TaskStatus=status,
            EndTime=timestamp(),
            ErrorInfo=message,
            TaskResult={
                "ExitCode": -1 if outcome.exit_code is None else outcome.exit_code,
                "Output": output,
                "ExecStartTime": started,
                "ExecEndTime": timestamp(),
                "Dropped": dropped,
                "OutputUrl": "",
                "OutputUploadCOSErrorInfo": "",
            },
        )

    def _done(self, task_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(task_id, None)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("task %s failed", task_id, exc_info=task.exception())
            self._update(
                task_id,
                TaskStatus="START_FAILED",
                EndTime=timestamp(),
                ErrorInfo=f"The rehearsal cloud failed: {task.exception()}",
            )

    def _update(self, task_id: str, **changes: object) -> None:
        with self._store.transaction():
            task = self._store.get(Kind.INVOCATION_TASK, task_id)
            if task is None:
                return
            region = self._store.region_of(Kind.INVOCATION_TASK, task_id) or ""
            task.update(changes, UpdatedTime=timestamp())
            self._store.put(Kind.INVOCATION_TASK, task_id, task, region)
            self._summarise(task["InvocationId"], region)

    def _summarise(self, invocation_id: str, region: str) -> None:
        invocation = self._store.get(Kind.INVOCATION, invocation_id)
        if invocation is None:
            return
        tasks = tasks_of(self._store, invocation_id)
        status = summary([task["TaskStatus"] for task in tasks])
        invocation.update(InvocationStatus=status, UpdatedTime=timestamp())
        if status not in UNFINISHED:
            invocation["EndTime"] = timestamp()
        self._store.put(Kind.INVOCATION, invocation_id, invocation, region)


def script_of(content: str) -> bytes:
    """Return a command's script; raise CloudError where Tencent would not take the content."""
    if len(content) > CONTENT_LIMIT:
        raise CloudError(
            "InvalidParameterValue.TooLong",
            f"Content has {len(content)} characters of base64; at most {CONTENT_LIMIT} are allowed (64 KB).",
        )
    try:
        script = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise CloudError("InvalidParameterValue.CommandContentInvalid", "Content is not base64.") from None
    if not script:
        raise CloudError("InvalidParameterValue.CommandContentInvalid", "Content is empty.")
    return script


def tasks_of(store: Store, invocation_id: str) -> list[Document]:
    """Return the tasks of an invocation, one per instance."""
    tasks = store.all(Kind.INVOCATION_TASK)
    return [task for task in tasks if task["InvocationId"] == invocation_id]


def summary(statuses: list[str]) -> str:
    """Return an invocation's status from its tasks' (InvocationStatus in the SDK's Invocation)."""
    if any(status in UNFINISHED for status in statuses):
        return "PENDING" if all(status == "PENDING" for status in statuses) else "RUNNING"
    if all(status == "SUCCESS" for status in statuses):
        return "SUCCESS"
    if all(status in _CANCELLED for status in statuses):
        return "CANCELLED"
    if any(status in _CANCELLED for status in statuses):
        return "PARTIAL_CANCELLED"
    if all(status == "TIMEOUT" for status in statuses):
        return "TIMEOUT"
    whole = all(status in _FAILURES or status == "TIMEOUT" for status in statuses)
    return "FAILED" if whole else "PARTIAL_FAILED"


def truncate(output: bytes) -> tuple[str, int]:
    """Return what is kept of a command's output, in base64, and how many bytes are not."""
    kept = output[: OUTPUT_LIMIT // 4 * 3]
    return base64.b64encode(kept).decode("ascii"), len(output) - len(kept)
