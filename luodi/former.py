"""Resources that luodi no longer makes, but a state that an earlier version wrote may still hold.

The engine looks a dynamic resource's provider up by the module and the class that the state names, so where one has
gone every `pulumi up` would end with "No module named ...". A class stays at its old place, by an alias to this one.
tests/stack/test_upgrade.py brings up what is recorded of earlier versions.
"""

from __future__ import annotations

from pulumi.dynamic import ResourceProvider


class Former(ResourceProvider):
    """Its resource is let go of: what it made is taken over by what came after it, or stays on the server."""

    serialize_as_secret_always = False
