"""The desk of replies, where files come and go."""

from __future__ import annotations

from tests.replies.conftest import desk, make_desk

__all__ = ["desk", "make_desk"]
