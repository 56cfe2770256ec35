"""A certificate in Tencent Cloud's SSL Certificate Service (SSL 证书), for what is served by a load balancer or CDN."""

from __future__ import annotations

import pulumi
import tencentcloud_iac_pulumi as tencentcloud


def upload(
    name: str,
    *,
    chain: pulumi.Input[str],
    key: pulumi.Input[str],
    alias: str,
    opts: pulumi.ResourceOptions | None = None,
) -> pulumi.Output[str]:
    """Upload a chain and its private key (PEM, a secret); the certificate's id.

    The service changes none: another chain is another certificate, uploaded before the old one is deleted, so that what
    refers to it can be led over.
    """
    secret = pulumi.Output.secret(key).apply(_stripped)
    certificate: pulumi.CustomResource = tencentcloud.ssl.Certificate(
        name,
        type="SVR",
        name=alias,
        cert=pulumi.Output.from_input(chain).apply(_stripped),
        key=secret,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["key"])),
    )
    return certificate.id


def _stripped(text: str | None) -> str:
    """Neither may have a line break at its ends. There is none in a stack that is half made."""
    return (text or "").strip()
