"""The versions that belong together, and how they are told apart."""

import re

PULUMI = "3.250.0"
"""The engine, its Python host, and the ``pulumi`` package in pyproject.toml."""

PLUGIN = "0.2.3"
"""The tencentcloud plugin and the ``tencentcloud-iac-pulumi`` package in pyproject.toml."""

PLUGIN_SERVER = "github://api.github.com/tencentcloudstack"
"""Where Pulumi downloads the plugin from; the package's pulumi-plugin.json says the same."""

PEBBLE = "2.10.1"
"""Let's Encrypt's test server."""


def parse(text: str) -> tuple[int, int, int] | None:
    """Return the first ``1.2.3`` or ``1.2`` in what a program prints of its version, if any."""
    match = re.search(r"\b[a-z]*(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def fits(found: str, wanted: str, *, newer: bool = True) -> bool:
    """Tell whether ``found`` serves where ``wanted`` is asked for.

    The same major version, no older; with ``newer=False`` the same minor version too.
    """
    have, want = parse(found), parse(wanted)
    if have is None or want is None or have[0] != want[0] or have < want:
        return False
    return newer or have[1] == want[1]
