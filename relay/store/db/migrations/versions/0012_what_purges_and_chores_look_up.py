"""What purges and chores look up: posts to delete, what was held in a thread, names by age, files of a conversation"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TO_DELETE = "erased, to be deleted in Slack"
TO_LOOK_FOR = "erased while it was under way, to be looked for in Slack"


def upgrade() -> None:
    _index("sends_to_delete", "sends", ["id"], f"cause IN ('{TO_DELETE}', '{TO_LOOK_FOR}')")
    _index("received_in_thread", "received", ["thread_channel", "thread_ts"], "thread_ts IS NOT NULL")
    _index("kept_files_of_conversation", "kept_files", ["conversation_id"], "state <> 'deleted'")
    op.create_index("people_by_age", "people", ["looked_up_at"])


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
