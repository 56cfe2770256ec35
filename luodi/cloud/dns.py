"""The site's zone and records at DNSPod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

from luodi.api import DEFAULT_LINE, host_record

_MAY_DIFFER = ["value", "ttl", "weight", "remark"]
"""What somebody's A record says otherwise than the stack's own would."""


def zone(name: str, domain: str, *, create: bool, protect: bool, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """The DNSPod zone `domain` (A-labels): the stack's own, or one that is there already and stays.

    `protect` keeps a zone that was created, and every record in it, from deletion.
    """
    if not create:
        return pulumi.Output.from_input(domain)
    own = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=protect))
    made: pulumi.Output[str] = tencentcloud.dnspod.DomainInstance(name, domain=domain, opts=own).domain
    return made


class Records(pulumi.ComponentResource):
    """An A record for each of the site's names, the domain's own last."""

    def __init__(
        self,
        name: str,
        *,
        zone: pulumi.Input[str],
        zone_name: str,
        names: tuple[str, ...],
        address: pulumi.Input[str],
        ttl: int = 600,
        owner: str,
        adopted: Mapping[str, int] | None = None,
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`zone` is the zone as declared, which the records wait for; `zone_name` the same as plain text.

        `owner` is put into each record's remark (备注), by which the stack knows its own again. `adopted` has the ids
        of records that are there already, by host name: they come into the state as they are and stay so, even when
        the stack is destroyed, until they are adopted no longer and become the stack's own, in place. `protect` is for
        the domain's own record, the first of `names`. It is made after all else, so the engine comes to it first
        when it destroys, and is refused there, before anything is gone.
        """
        super().__init__("luodi:cloud:Records", name, None, opts)

        def record(host: str, **options: Any) -> tencentcloud.dnspod.Record:
            label = host_record(host, zone_name)
            if adopted and host in adopted:
                # Still somebody's: whoever lets go of it leaves it in place.
                options |= {
                    "import_": f"{zone_name}#{adopted[host]}",
                    "ignore_changes": _MAY_DIFFER,
                    "retain_on_delete": True,
                }
            return tencentcloud.dnspod.Record(
                f"{name}-{'apex' if label == '@' else label}",
                domain=zone,
                sub_domain=label,
                record_type="A",
                record_line=DEFAULT_LINE,
                value=address,
                ttl=ttl,
                remark=owner,
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, **options),
            )

        domain, *others = names
        record(domain, depends_on=[record(host) for host in others], protect=protect)
        self.register_outputs({})
