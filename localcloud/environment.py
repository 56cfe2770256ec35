"""What must be set for programs to find the rehearsal cloud instead of Tencent's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from localcloud.account import Account
from localcloud.daemon import Endpoints
from localcloud.engine import engine_environment

RETRY_MINUTES = "1"
"""How long the provider goes on trying; whole minutes, and the least that it takes."""


def environment(home: Path, endpoints: Endpoints) -> dict[str, str]:
    """Return the variables that lead Pulumi, the SDK and luodi to the cloud at `home`.

    The region isn't among them: a stack's own is used.
    """
    account = Account.of(home / "account.json")
    (home / "pulumi").mkdir(exist_ok=True)
    return engine_environment() | {
        "TENCENTCLOUD_SECRET_ID": account.secret_id,
        "TENCENTCLOUD_SECRET_KEY": account.secret_key,
        "TENCENTCLOUD_PROTOCOL": "HTTP",
        "TENCENTCLOUD_COS_DOMAIN": endpoints.cos,
        # In upper case alone: in lower case Python's gRPC would send its own calls there.
        "HTTP_PROXY": endpoints.api,
        "NO_PROXY": "127.0.0.1,localhost",
        "TENCENTCLOUD_WAIT_READ_TIMEOUT": "0",
        "TENCENTCLOUD_READ_RETRY_TIMEOUT": RETRY_MINUTES,
        "TENCENTCLOUD_WRITE_RETRY_TIMEOUT": RETRY_MINUTES,
        "LUODI_ACME_DIRECTORY": endpoints.acme_directory,
        "LUODI_ACME_CA": endpoints.acme_ca,
        "LUODI_DNS": endpoints.dns,
        "PULUMI_BACKEND_URL": f"file://{home / 'pulumi'}",
        "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Refresh and destroy run the program too, which tells at once when the cloud is down.
        "PULUMI_RUN_PROGRAM": "true",
    }


def as_shell(variables: Mapping[str, str], shell: str) -> str:
    """Return lines that set `variables`, for a POSIX shell (`sh`) or for `fish`."""
    if shell == "fish":
        return "".join(f"set -gx {name} {_fish(value)}\n" for name, value in variables.items())
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _fish(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
