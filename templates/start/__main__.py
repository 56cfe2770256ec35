"""Land one site: what the stack file says is what exists."""

import pulumi

from luodi import Settings, Site

site = Site("site", Settings.from_stack())
for name, value in site.outputs().items():
    pulumi.export(name, value)
