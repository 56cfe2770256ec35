"""How a certificate is obtained."""
