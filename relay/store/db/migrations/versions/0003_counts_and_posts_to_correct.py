"""Counts of what is settled, posts to correct, whom a thread has mentioned"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counts",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("what"),
    )
    op.drop_index("received_by_outcome", "received")
    op.drop_index("deliveries_by_state", "deliveries")
    op.drop_index("sends_by_state", "sends")
    _index("received_rejected", "received", ["id"], "outcome = 'rejected'")
    _index("received_again", "received", ["copies"], "copies > 0")
    columns = ["state", "lane", "topic", "created_at"]
    _index("deliveries_not_delivered", "deliveries", columns, "state <> 'delivered'")
    _index("sends_of_roots", "sends", ["state"], "kind = 'root'")
    op.add_column("received", sa.Column("quotes", sa.Text(), nullable=True))
    _index("received_quoting", "received", ["conversation_id", "quotes"], "quotes IS NOT NULL")
    op.add_column("lanes", sa.Column("mentioned", sa.Text(), nullable=True))
    op.add_column("sends", sa.Column("outdated", sa.Integer(), server_default=sa.text("0"), nullable=False))
    _index("sends_outdated", "sends", ["conversation_id", "seq"], "outdated > 0")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
