"""Which channel a "#name" of the configuration is, as the conversations know that were shown there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import and_, func, select

from relay.store.db.engine import Tx
from relay.store.db.tables import conversations

LOOKED_AT = 5000  # conversations, the newest ones


def ids_of_names(tx: Tx, names: Collection[str]) -> Mapping[str, str]:
    """Slack's id for each of these names, as far as Slack was asked for it lately."""
    if not names:
        return {}
    place = (conversations.c.id, conversations.c.channel, conversations.c.channel_id)
    newest = select(*place).order_by(conversations.c.id.desc()).limit(LOOKED_AT).subquery()
    known = and_(newest.c.channel.in_(sorted(names)), newest.c.channel_id.is_not(None))
    last = func.max(newest.c.id)
    found = select(newest.c.channel, newest.c.channel_id).where(known).group_by(newest.c.channel, newest.c.channel_id)
    return {row.channel: row.channel_id for row in tx.conn.execute(found.order_by(last))}
