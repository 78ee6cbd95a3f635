"""Which channel a "#name" of the configuration is, as the conversations know that were shown there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, select

from relay.store.db.engine import Tx
from relay.store.db.tables import conversations

LOOKED_AT = 20_000  # conversations, the newest ones


def ids_of_names(tx: Tx, names: Collection[str]) -> Mapping[str, str]:
    """Slack's id for each of these names, as far as Slack was asked for it lately."""
    if not names:
        return {}
    newest = int(tx.conn.execute(select(func.max(conversations.c.id))).scalar_one() or 0)
    lately = (
        select(func.max(conversations.c.id))
        .where(conversations.c.id > newest - LOOKED_AT)
        .where(conversations.c.channel.in_(sorted(names)), conversations.c.channel_id.is_not(None))
        .group_by(conversations.c.channel)
    )
    found = select(conversations.c.channel, conversations.c.channel_id).where(conversations.c.id.in_(lately))
    return {row.channel: row.channel_id for row in tx.conn.execute(found)}
