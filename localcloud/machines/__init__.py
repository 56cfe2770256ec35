"""The servers of the rehearsal cloud: sandboxed machines and the edge in front of each.

A machine is a bubblewrap sandbox with its own network, processes, host name and root
directory; only the host's ``/usr`` is shared, read-only. ``Machines`` is the whole door.
"""

from localcloud.machines.errors import (
    MachineError,
    MissingDirectory,
    NotRunning,
    SandboxUnavailable,
    UnknownMachine,
    UnknownUser,
)
from localcloud.machines.machines import Machines
from localcloud.machines.spec import MachineSpec, Outcome

__all__ = [
    "MachineError",
    "MachineSpec",
    "Machines",
    "MissingDirectory",
    "NotRunning",
    "Outcome",
    "SandboxUnavailable",
    "UnknownMachine",
    "UnknownUser",
]
