"""Replies that are asked about, lines that change"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for new in (
        sa.Column("asks", sa.Text(), server_default="", nullable=False),
        sa.Column("asked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pressed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("tries_until", sa.Double(), nullable=True),
        sa.Column("correction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    ):
        op.add_column("deliveries", new)
    for about_waiting in (
        sa.Column("waits_since", sa.Double(), nullable=True),
        sa.Column("held_since", sa.Double(), nullable=True),
        sa.Column("remind_at", sa.Double(), nullable=True),
        sa.Column("remind_delay", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("reminders", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("card_fingerprint", sa.Text(), nullable=True),
        sa.Column("card_last_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    ):
        op.add_column("conversations", about_waiting)
    # What nobody has taken of the last day waits; of the others nobody knows who spoke last.
    op.execute(
        "UPDATE conversations SET waits_since = since"
        " WHERE status <> 'resolved' AND holder = 'nobody' AND opener_rank > 0"
        " AND since > (SELECT max(received_at) FROM received) - 86400"
    )
    waiting = sa.text("waits_since IS NOT NULL")
    columns = ["waits_since"]
    op.create_index("conversations_waiting", "conversations", columns, sqlite_where=waiting, postgresql_where=waiting)
    held = sa.text("holder = 'agent' AND status <> 'resolved'")
    op.create_index("conversations_held", "conversations", ["id"], sqlite_where=held, postgresql_where=held)
    op.create_index("people_by_role", "people", ["role"])
    for name, column in (("deliveries_about", "about"), ("deliveries_corrected", "correction_id")):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "deliveries", [column], sqlite_where=there, postgresql_where=there)
