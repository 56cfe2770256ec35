"""Prepaid instances (包年包月): for how long, and whether they renew themselves."""

from __future__ import annotations

from localcloud.errors import CloudError

PERIODS = frozenset({*range(1, 13), 24, 36, 48, 60})
"""Months for which an instance can be prepaid (docstring of InstanceChargePrepaid.Period)."""
RENEW_FLAGS = frozenset({"NOTIFY_AND_AUTO_RENEW", "NOTIFY_AND_MANUAL_RENEW", "DISABLE_NOTIFY_AND_MANUAL_RENEW"})
DEFAULT_RENEW_FLAG = "NOTIFY_AND_MANUAL_RENEW"


def check_period(months: int | None, code: str) -> int:
    """Return the months; raise CloudError MissingParameter, or `code` for a period that isn't sold."""
    if months is None:
        raise CloudError(
            "MissingParameter", "The request is missing a required parameter `InstanceChargePrepaid.Period`."
        )
    if months not in PERIODS:
        raise CloudError(code, f"Period is {months} months; give one of {', '.join(map(str, sorted(PERIODS)))}.")
    return months


def check_renew_flag(flag: str | None) -> str:
    """Return the flag, or the default; raise CloudError InvalidParameterValue where it isn't one."""
    if flag is None:
        return DEFAULT_RENEW_FLAG
    if flag not in RENEW_FLAGS:
        raise CloudError("InvalidParameterValue", f"RenewFlag is {flag}; give one of {', '.join(sorted(RENEW_FLAGS))}.")
    return flag
