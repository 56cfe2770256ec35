"""Something for one server's eyes alone, on a way that keeps what it carries: TAT's history. Pure."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7


def seal(text: str, recipient: str) -> str:
    """Encrypt a text for the key of a PEM certificate: an enveloped-data CMS message (RFC 5652), in PEM.

    Raises ValueError when the recipient is no PEM certificate of an RSA key.
    """
    return (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(text.encode())
        .add_recipient(x509.load_pem_x509_certificate(recipient.encode()))
        .set_content_encryption_algorithm(algorithms.AES256)
        .encrypt(serialization.Encoding.PEM, [pkcs7.PKCS7Options.Binary])
        .decode()
    )
