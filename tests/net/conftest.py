"""Servers over TLS under names of their own."""

from __future__ import annotations

from .tls import example_certificate, wire_at

__all__ = ["example_certificate", "wire_at"]
