"""luodi (落地): land a site on a mainland China server with `pulumi up`."""

from luodi.settings import Settings
from luodi.site import Site

__all__ = ["Settings", "Site"]
