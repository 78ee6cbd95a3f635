"""Which sends carry a delivery now, and which did before."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Subquery, select, union_all

from relay.store.db.tables import send_parts


def parts_of(deliveries: Collection[int]) -> Subquery[Any]:
    """All parts of these deliveries: the live ones and the earlier ones, each by an index of their own."""
    mine = select(send_parts).where(send_parts.c.delivery_id.in_(deliveries))
    return union_all(mine.where(send_parts.c.live), mine.where(~send_parts.c.live)).subquery()
