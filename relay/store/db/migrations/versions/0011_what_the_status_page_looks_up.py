"""What the status page looks up: names as they are searched, dead letters, earlier sends of a delivery"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STEP = 1000
LONGEST = 100  # characters


def upgrade() -> None:
    op.create_index("conversations_by_group", "conversations", ["group_id"])
    op.create_index("conversations_by_customer", "conversations", ["opener_sender", "id"])
    dead = sa.text("state = 'dead'")
    op.create_index("deliveries_dead", "deliveries", ["id"], sqlite_where=dead, postgresql_where=dead)
    earlier, on_postgres = sa.text("live = 0"), sa.text("NOT live")
    op.create_index(
        "send_parts_earlier", "send_parts", ["delivery_id"], sqlite_where=earlier, postgresql_where=on_postgres
    )
    for name in ("search_name", "search_last"):
        op.add_column("people", sa.Column(name, sa.Text(), server_default="", nullable=False))
    _fill()
    for name in ("search_name", "search_last"):
        op.create_index(f"people_by_{name}", "people", [name], postgresql_ops={name: "text_pattern_ops"})


def _fill() -> None:
    """Names that were looked up before; the version before this one leaves them empty until the next look-up."""
    conn = op.get_bind()
    names = ("account", "user_id", "name", "search_name", "search_last")
    people = sa.table("people", *map(sa.column, names))
    change = (
        sa.update(people)
        .where(people.c.account == sa.bindparam("of_account"), people.c.user_id == sa.bindparam("of_user"))
        .values(search_name=sa.bindparam("whole"), search_last=sa.bindparam("last"))
    )
    rows = conn.execute(sa.select(people.c.account, people.c.user_id, people.c.name)).all()
    for first in range(0, len(rows), STEP):
        conn.execute(change, [_searched(*row) for row in rows[first : first + STEP]])


def _searched(account: str, user_id: str, name: str) -> dict[str, str]:
    words = " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:LONGEST]
    first, _, last = words.rpartition(" ")
    return {"of_account": account, "of_user": user_id, "whole": words, "last": f"{last} {first}" if first else ""}
