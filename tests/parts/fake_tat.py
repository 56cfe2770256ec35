"""TAT's answers, when its agent is a sandboxed server."""

from __future__ import annotations

import base64
import itertools
from typing import Any

from tests.parts.machine import Machine
from tests.unit.fake_account import Answer


def answers(server: Machine) -> dict[str, Answer]:
    """What TAT answers: every command is run on the server before its call returns."""
    ran: dict[str, dict[str, Any]] = {}
    numbers = itertools.count(1)

    def run(request: dict[str, Any]) -> dict[str, Any]:
        invocation = f"inv-{next(numbers)}"
        result = server.run(base64.b64decode(request["Content"]).decode())
        ran[invocation] = {
            "TaskStatus": "FAILED" if result.code else "SUCCESS",
            "TaskResult": {"ExitCode": result.code, "Output": base64.b64encode(result.output.encode()).decode()},
        }
        return {"InvocationId": invocation}

    return {
        "DescribeAutomationAgentStatus": lambda _: {"AutomationAgentSet": [{"AgentStatus": "Online"}]},
        "RunCommand": run,
        "DescribeInvocationTasks": lambda request: {"InvocationTaskSet": [ran[request["Filters"][0]["Values"][0]]]},
    }
