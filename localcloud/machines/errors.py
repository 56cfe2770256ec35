"""What can go wrong with a machine; every message says what to do next."""

from __future__ import annotations


class MachineError(Exception):
    """Any refusal or failure of a machine."""


class UnknownMachine(MachineError):
    """No machine has that id."""


class NotRunning(MachineError):
    """The machine is stopped."""


class UnknownUser(MachineError):
    """The machine's /etc/passwd has no such user."""


class MissingDirectory(MachineError):
    """The working directory of a command doesn't exist in the machine."""


class SandboxUnavailable(MachineError):
    """This host can't run machines: bubblewrap is missing or may not make namespaces."""
