"""Where the content of agents' files is kept, if not in the database"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "file_contents",
        sa.Column("id", Id, primary_key=True),
        sa.Column("file_id", Id, sa.ForeignKey("kept_files.id"), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("due", sa.Double(), nullable=True),
        sqlite_autoincrement=True,
    )
    needed, ended = sa.text("ended_at IS NULL"), sa.text("due IS NOT NULL")
    op.create_index(
        "file_contents_needed", "file_contents", ["file_id"], unique=True, sqlite_where=needed, postgresql_where=needed
    )
    op.create_index("file_contents_ended", "file_contents", ["due"], sqlite_where=ended, postgresql_where=ended)
