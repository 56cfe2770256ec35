"""The commands that `pulumi` itself doesn't have."""

from __future__ import annotations

import click

from luodi.certificate_cli import certificate, renew, revoke
from luodi.filing_cli import filing
from luodi.logs_cli import logs
from luodi.releases_cli import diff, releases, rollback
from luodi.render_cli import render


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """luodi (落地): land a site on a mainland China server.

    Bring a stack up with `pulumi up`; these commands do what `pulumi` doesn't.
    """


main.add_command(filing)
main.add_command(certificate)
main.add_command(renew)
main.add_command(revoke)
main.add_command(releases)
main.add_command(rollback)
main.add_command(diff)
main.add_command(logs)
main.add_command(render)
