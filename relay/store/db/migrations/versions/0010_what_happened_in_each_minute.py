"""What happened in each minute, counted from the upgrade on; what people were told of"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MINUTE = 60


def upgrade() -> None:
    numbers = [
        sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        for name in ("received", "delivered", "failed")
    ]
    op.create_table(
        "minutes",
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *numbers,
        sa.Column("seconds", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("minute", "kind"),
    )
    op.create_table(
        "alerts",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("earlier", sa.Integer(), server_default="0", nullable=False),
        sa.Column("newest", sa.Double(), server_default="0", nullable=False),
        sa.Column("over", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=True),
        sa.Column("posted_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.execute(
        "INSERT INTO alerts (kind, name, cause) SELECT scope, name, cause FROM gates "
        "WHERE operator AND told AND scope IN ('channel', 'account', 'agent', 'config')"
    )
    op.add_column("sends", sa.Column("received_ids", sa.Text(), nullable=True))
    settled = sa.text("settled_at IS NOT NULL")
    op.create_index("deliveries_settled", "deliveries", ["settled_at"], sqlite_where=settled, postgresql_where=settled)
    last = sa.text("SELECT max(settled_at) FROM deliveries WHERE settled_at IS NOT NULL")
    settled_at = op.get_bind().execute(last).scalar_one()
    if settled_at is not None:  # what was settled before is not counted
        counts = sa.table("counts", sa.column("what"), sa.column("up_to"), sa.column("counted"))
        begins = int(settled_at // MINUTE) * MINUTE
        op.bulk_insert(counts, [{"what": "settled", "up_to": begins, "counted": "{}"}])
