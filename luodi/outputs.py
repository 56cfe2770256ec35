"""What a stack that is up exports, asked without running its program."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SECONDS = 60


class NoOutputs(Exception):
    """A stack whose outputs can't be had; the message says why, in one line."""


class NotUp(NoOutputs):
    """A stack that was never brought up, or was taken away."""


def stack_outputs(project: Path, stack: str) -> Mapping[str, Any]:
    """The outputs of a stack, from its state; none of luodi's is a secret, so no passphrase is asked for.

    The project's program is not run, and no plugin is started. Raises NoOutputs; NotUp where it is not up.
    """
    return outputs_of(exported(project, stack))


def outputs_of(resources: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The outputs that a stack's state has. Raises NotUp where it is not up."""
    values = next((one.get("outputs") for one in resources if one["type"] == "pulumi:pulumi:Stack"), None)
    if not isinstance(values, dict) or not values.get("address"):
        raise NotUp("the stack is not up")
    return values


def exported(project: Path, stack: str, *, secrets: bool = False) -> Sequence[Mapping[str, Any]]:
    """The resources of a stack's state; with `secrets`, those opened. Raises NoOutputs."""
    program = shutil.which("pulumi")
    if program is None:
        raise NoOutputs("there is no pulumi on PATH")
    # `stack output` would open every secret of the state first, which takes a second.
    command = [program, "stack", "export", "--stack", stack, "--cwd", str(project), "--non-interactive"]
    command += ["--show-secrets"] if secrets else []
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        return list(json.loads(run.stdout)["deployment"].get("resources") or ())
    except subprocess.TimeoutExpired:
        raise NoOutputs(f"pulumi stack export gave no answer within {_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        first = next(iter(str(error.stderr).strip().splitlines()), f"exit code {error.returncode}")
        why = first.removeprefix("error: ")
        raise (NotUp if why.startswith("no stack named ") else NoOutputs)(why) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NoOutputs("pulumi stack export printed no state") from None
