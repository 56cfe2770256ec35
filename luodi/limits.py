"""The table of limits in docs/authorities.md, from the data: ``python -m luodi.limits`` prints it."""

from __future__ import annotations

from datetime import timedelta

from luodi import authorities
from luodi.authorities import Authority

_HEAD = """| id | names on one certificate | certificates of the same names | besides | said at |
|---|---|---|---|---|
"""
_UNKNOWN = "not known"


def table() -> str:
    """The whole table, Markdown: a row for each authority that issues."""
    return _HEAD + "".join(f"| {' | '.join(_cells(id_, one))} |\n" for id_, one in authorities.known().items())


def _cells(id_: str, authority: Authority) -> tuple[str, ...]:
    source = authority.limits_source
    return (
        f"`{id_}`",
        _names(authority),
        _duplicates(authority),
        authority.limits or _UNKNOWN,
        f"[here]({source})" if source else "",
    )


def _names(authority: Authority) -> str:
    if authority.names_limit is None:
        return _UNKNOWN
    others: dict[int, list[str]] = {}
    for profile, most in authority.profiles.items():
        if most is not None and most != authority.names_limit:
            others.setdefault(most, []).append(profile)
    return "; ".join(
        [str(authority.names_limit), *(f"{', '.join(profiles)} {most}" for most, profiles in others.items())]
    )


def _duplicates(authority: Authority) -> str:
    limit = authority.duplicates
    if limit is None:
        return _UNKNOWN
    hours = limit.wait(0) / timedelta(hours=1)
    again = f", then one every {hours:.0f} hours" if hours >= 1 else ""
    return f"{limit.count} in {limit.window.days} days{again}"


if __name__ == "__main__":
    print(table(), end="")
