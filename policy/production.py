"""Production: what keeps a server from being taken away or installed anew, and a site from being closed, by the way."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pulumi_policy import ReportViolation, ResourceValidationArgs

from luodi.filing.change import ACCOUNTED_FOR
from policy import stack
from policy.properties import CVM, GATE, LIGHTHOUSE, SERVERS, value

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


def site_stays_open(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judge whether a site of production closes though nothing is said to have happened to its filing.

    luodi's own Gate compares with the last `up` and names what closes; a stack without one has no such thing.
    """
    if args.resource_type != GATE or not _is_production(args):
        return
    closing = list(value(args.props, "closes", ()))
    if closing and str(value(args.props, "stage")) not in ACCOUNTED_FOR:
        report(
            f"{', '.join(closing)}: open to the public at the last update of stack {stack.name(args.urn)}, and this "
            f"one takes it away: {value(args.props, 'reason')}. No fact in the stack file says that its number was "
            "revoked (icp.revoked) or its filing cancelled (type, completed). Put back what is missing; where it is "
            "meant, run this once with the policy disabled",
            args.urn,
        )


def _is_production_server(args: ResourceValidationArgs) -> bool:
    return args.resource_type in SERVERS and _is_production(args)


def _is_production(args: ResourceValidationArgs) -> bool:
    patterns = args.get_config().get(STACKS) or PRODUCTION
    return any(fnmatchcase(stack.name(args.urn), one) for one in patterns)
