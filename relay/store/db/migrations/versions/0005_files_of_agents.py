"""Files of agents that are kept for customers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "kept_files",
        sa.Column("id", Id, primary_key=True),
        sa.Column("conversation_id", Id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("delivery_id", Id, sa.ForeignKey("deliveries.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("slack_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("token", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), nullable=True, unique=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.UniqueConstraint("delivery_id", "number"),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("state = 'waiting'")
    columns = ["conversation_id", "id"]
    op.create_index("kept_files_to_fetch", "kept_files", columns, sqlite_where=waiting, postgresql_where=waiting)
    stored = sa.text("state <> 'deleted'")
    op.create_index("kept_files_by_age", "kept_files", ["created_at"], sqlite_where=stored, postgresql_where=stored)
    op.create_table(
        "file_pieces",
        sa.Column("file_id", Id, sa.ForeignKey("kept_files.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "number"),
    )
    op.create_table(
        "learned",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
