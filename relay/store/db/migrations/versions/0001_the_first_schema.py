"""The first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("channel_id", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("thread_ts", sa.Text(), nullable=True),
        sa.Column("dead_ts", sa.Text(), nullable=True),
        sa.Column("root_form", sa.Text(), server_default="full", nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("holder", sa.Text(), server_default="nobody", nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("holder_name", sa.Text(), server_default="", nullable=False),
        sa.Column("bot_near", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("resolved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("opener_id", ID, nullable=True),
        sa.Column("opener_sender", sa.Text(), server_default="", nullable=False),
        sa.Column("opener_rank", sa.Integer(), server_default=sa.text("-1"), nullable=False),
        sa.Column("since", sa.Double(), nullable=True),
        sa.Column("wanted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shown", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "group_id"),
    )
    op.create_index(
        "conversations_unmapped",
        "conversations",
        ["id"],
        unique=False,
        sqlite_where=sa.text("channel IS NULL"),
        postgresql_where=sa.text("channel IS NULL"),
    )
    op.create_table(
        "gates",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("closed_until", sa.Double(), nullable=True),
        sa.Column("delay", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("operator", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("strikes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused_at", sa.Double(), nullable=True),
        sa.Column("next_slot", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name"),
    )
    op.create_table(
        "people",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("looked_up_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account", "user_id"),
    )
    op.create_table(
        "lanes",
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due", sa.Double(), nullable=True),
        sa.Column("delay", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("waiting_since", sa.Double(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("spent", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("looking", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("heard", ID, server_default=sa.text("0"), nullable=False),
        sa.Column("broadcast_from", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
        ),
        sa.PrimaryKeyConstraint("conversation_id", "kind"),
    )
    op.create_index(
        "lanes_due",
        "lanes",
        ["due"],
        unique=False,
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    )
    op.create_index(
        "lanes_leased",
        "lanes",
        ["lease_owner"],
        unique=False,
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
    )
    op.create_table(
        "received",
        sa.Column("id", ID, nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("client_key", sa.Text(), nullable=True),
        sa.Column("conversation_id", ID, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("client_key"),
        sa.UniqueConstraint("door", "account", "kind", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("received_by_outcome", "received", ["outcome", "copies"], unique=False)
    op.create_index("received_of_conversation", "received", ["conversation_id", "id"], unique=False)
    op.create_index(
        "received_with_body",
        "received",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("body IS NOT NULL"),
        postgresql_where=sa.text("body IS NOT NULL"),
    )
    op.create_table(
        "sends",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread_ts", sa.Text(), nullable=True),
        sa.Column("since_ts", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), server_default="frozen", nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("looks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("resent", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("look_again_at", sa.Double(), nullable=True),
        sa.Column("ts", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conversation_id", "lane", "seq"),
    )
    op.create_index("sends_by_state", "sends", ["kind", "state"], unique=False)
    op.create_index(
        "sends_in_channel",
        "sends",
        ["channel", "ts"],
        unique=False,
        sqlite_where=sa.text("ts IS NOT NULL"),
        postgresql_where=sa.text("ts IS NOT NULL"),
    )
    op.create_index(
        "sends_open",
        "sends",
        ["conversation_id", "lane", "seq"],
        unique=False,
        sqlite_where=sa.text("state IN ('frozen', 'sending', 'unsure')"),
        postgresql_where=sa.text("state IN ('frozen', 'sending', 'unsure')"),
    )
    op.create_index(
        "sends_to_look_at",
        "sends",
        ["conversation_id", "lane", "seq"],
        unique=False,
        sqlite_where=sa.text("look_again_at IS NOT NULL"),
        postgresql_where=sa.text("look_again_at IS NOT NULL"),
    )
    op.create_index(
        "sends_with_payload",
        "sends",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("payload <> '{}'"),
        postgresql_where=sa.text("payload <> '{}'"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("received_id", ID, nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("form", sa.Text(), server_default="full", nullable=False),
        sa.Column("alone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("notice_due", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("words_id", ID, nullable=True),
        sa.Column("late_id", ID, nullable=True),
        sa.Column("about", ID, nullable=True),
        sa.Column("topic", sa.Text(), server_default="", nullable=False),
        sa.Column("written_at", sa.Double(), nullable=True),
        sa.Column("not_before", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("mark", sa.Text(), server_default="", nullable=False),
        sa.Column("mark_shown", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("settled_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["about"],
            ["deliveries.id"],
        ),
        sa.ForeignKeyConstraint(
            ["words_id"],
            ["received.id"],
        ),
        sa.ForeignKeyConstraint(
            ["late_id"],
            ["received.id"],
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["received_id"],
            ["received.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_by_state", "deliveries", ["state", "lane", "topic"], unique=False)
    op.create_index(
        "deliveries_to_mark",
        "deliveries",
        ["conversation_id", "id"],
        unique=False,
        sqlite_where=sa.text("mark <> mark_shown"),
        postgresql_where=sa.text("mark <> mark_shown"),
    )
    op.create_index("deliveries_of_received", "deliveries", ["received_id"], unique=False)
    op.create_index(
        "deliveries_open",
        "deliveries",
        ["conversation_id", "lane", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting', 'sending', 'unsure') OR notice_due = 1"),
        postgresql_where=sa.text("state IN ('waiting', 'sending', 'unsure') OR notice_due"),
    )
    op.create_table(
        "send_parts",
        sa.Column("send_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
        ),
        sa.ForeignKeyConstraint(
            ["send_id"],
            ["sends.id"],
        ),
        sa.PrimaryKeyConstraint("send_id", "delivery_id", "part"),
    )
    op.create_index(
        "send_parts_live",
        "send_parts",
        ["delivery_id", "part"],
        unique=True,
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    )
