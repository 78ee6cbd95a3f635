"""Several Slack workspaces: where a conversation is shown, and which gates hold its lanes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("workspace", sa.Text, nullable=False, server_default=""))
    op.add_column("gates", sa.Column("workspace", sa.Text, nullable=False, server_default=""))
