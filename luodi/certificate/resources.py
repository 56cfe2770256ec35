"""Where states that were written before certificates were kept apart from releases look for their providers."""

from __future__ import annotations

from luodi.former import Former

_AccountProvider = _CertificateProvider = Former
