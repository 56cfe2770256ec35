"""Servers of production: what keeps one from being taken away, or installed anew, by a change to the program."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy import stack
from policy.properties import CVM, LIGHTHOUSE, SERVERS

STACKS = "stacks"
PRODUCTION = ("prod*", "*-prod", "*-production")

_IMAGE = {CVM: "imageId", LIGHTHOUSE: "blueprintId"}


def server_protected(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judge whether a server of production can be deleted or replaced."""
    if _is_production_server(args) and not args.opts.protect:
        report(
            f"{args.name}, a {SERVERS[args.resource_type]} of stack {stack.name(args.urn)}, is not protected: one "
            "`pulumi destroy`, or a change that replaces it, takes it away with its address and its filing's server. "
            "Set the resource option protect (luodi: luodi:server.protect: true)",
            args.urn,
        )


def server_image_kept(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judge whether another image in the program would install a server of production anew."""
    if not _is_production_server(args):
        return
    image = _IMAGE[args.resource_type]
    if image not in args.opts.ignore_changes:
        report(
            f"{args.name}, a {SERVERS[args.resource_type]} of stack {stack.name(args.urn)}, follows {image}: another "
            "one installs its system anew, in place, which protect does not hinder. Put it into the resource option "
            "ignore_changes (ignoreChanges), and take it out only to install anew on purpose",
            args.urn,
        )


def _is_production_server(args: ResourceValidationArgs) -> bool:
    patterns = args.get_config().get(STACKS) or PRODUCTION
    return args.resource_type in SERVERS and any(fnmatchcase(stack.name(args.urn), one) for one in patterns)
