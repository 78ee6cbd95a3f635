"""Looks that end, messages that wait for their thread, refusals in a row"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("received", sa.Column("edited_at", sa.Text(), nullable=True))
    op.add_column("received", sa.Column("thread_channel", sa.Text(), nullable=True))
    op.add_column("received", sa.Column("thread_ts", sa.Text(), nullable=True))
    op.add_column("received", sa.Column("edits_key", sa.Text(), nullable=True))
    op.add_column("received", sa.Column("gone", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("deliveries", sa.Column("undo", sa.Double(), server_default=sa.text("0"), nullable=False))
    op.execute("UPDATE deliveries SET undo = 3600 WHERE not_before > 0")  # what may be undone now stays so
    op.add_column("deliveries", sa.Column("may_repeat", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("sends", sa.Column("failed_looks", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("gates", sa.Column("refusals", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("gates", sa.Column("refusal_code", sa.Text(), server_default="", nullable=False))
    held = sa.text("outcome = 'held'")
    op.create_index("received_held", "received", ["thread_channel", "id"], sqlite_where=held, postgresql_where=held)
    in_slack = sa.text("ts IS NOT NULL AND lane = 'words'")
    op.create_index("sends_in_slack", "sends", ["created_at"], sqlite_where=in_slack, postgresql_where=in_slack)
