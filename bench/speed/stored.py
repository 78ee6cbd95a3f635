"""A database with a long history: delivered messages, with everything that a month leaves behind, written in bulk."""

from __future__ import annotations

import json

import psycopg
from sqlalchemy import text

from relay.store.db.engine import Store

EACH = 5  # messages per conversation
CHANNELS = 50
DAYS = 29.0
_BLOCKS = [
    {"type": "context", "elements": [{"type": "plain_text", "text": "customer", "emoji": False}]},
    {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "W" * 70}]}],
    },
]
PAYLOAD = json.dumps(
    {"text": "customer: " + "W" * 70, "blocks": _BLOCKS, "parse": "none", "mrkdwn": False, "unfurl_links": False}
)
BODY = json.dumps(
    {"key": "k" * 36, "from": "customer-1", "groupId": 123456, "clientGroupId": "123456", "groupName": "Conversation",
     "message": "W" * 70, "timeStamp": 1_712_345_678_000, "contentType": 0, "source": 1, "metadata": {"plan": "basic"}}
).encode()  # fmt: skip


def group_of(conversation: int) -> str:
    """Kommunicate's id of a stored conversation; these are counted from 1."""
    return f"s{conversation}"


def fill(store: Store, messages: int, now: float) -> None:
    """Store this many delivered messages, a multiple of `EACH`, the last of them at `now` (seconds since 1970)."""
    with store.begin_patiently() as conn:
        for table, (count, columns, values) in _rows(messages, now).items():
            statement = text(
                f"INSERT INTO {table} ({columns}) {_numbers(count, sqlite=store.on_sqlite)} SELECT {values}"
            )
            given = {"body": BODY} if ":body" in values else {"payload": PAYLOAD} if ":payload" in values else {}
            conn.execute(statement, given)
            if not store.on_sqlite and table in ("conversations", "received", "deliveries"):
                conn.execute(text(f"SELECT setval('{table}_id_seq', {count})"))
    tidy_up(store)


def tidy_up(store: Store) -> None:
    """What a PostgreSQL server soon does by itself."""
    if not store.on_sqlite:
        address = store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")


def _rows(messages: int, now: float) -> dict[str, tuple[int, str, str]]:
    """For each table the number of rows, the columns, and their values; `i` counts the rows from 1."""
    many = messages // EACH
    of = f"(i - 1) / {EACH} + 1"  # the conversation of a message
    at = f"{now} - {DAYS * 86400.0} * ({messages} - i) / {messages}"
    thread, ts = f"'16' || (10000000 + {of}) || '.000001'", "'17' || (10000000 + i) || '.000001'"
    return {
        "conversations": (
            many,
            "id, account, group_id, title, channel, channel_id, why, thread_ts, opener_id, opener_sender, "
            "opener_rank, since, wanted, shown, created_at",
            f"i, 'default', 's' || i, 'Conversation ' || i, 'C0S' || (i % {CHANNELS}), 'C0S' || (i % {CHANNELS}), "
            f"'channels', '16' || (10000000 + i) || '.000001', (i - 1) * {EACH} + 1, 'customer-1', "
            f"0, {now}, 1, 1, {now} FROM numbers",
        ),
        "received": (
            messages,
            "id, door, account, kind, key, conversation_id, outcome, body, received_at",
            f"i, 'kommunicate', 'default', 'message', 'stored-' || i, {of}, 'accepted', :body, {at} FROM numbers",
        ),
        "deliveries": (
            messages,
            "id, conversation_id, lane, received_id, state, created_at, settled_at",
            f"i, {of}, 'words', i, 'delivered', {at}, {at} + 0.1 FROM numbers",
        ),
        "sends": (
            messages,
            "id, conversation_id, lane, seq, kind, payload, channel, thread_ts, state, started_at, ts, created_at",
            f"'stored' || i, {of}, 'words', (i - 1) % {EACH} + 1, 'post', :payload, 'C0S' || (({of}) % {CHANNELS}), "
            f"{thread}, 'delivered', {at}, {ts}, {at} FROM numbers",
        ),
        "send_parts": (messages, "send_id, delivery_id, part, live", "'stored' || i, i, 0, true FROM numbers"),
        "lanes": (
            many,
            "conversation_id, kind, heard",
            f"i, 'words', i * {EACH} FROM numbers UNION ALL SELECT i, 'card', 0 FROM numbers",
        ),
    }


def _numbers(count: int, *, sqlite: bool) -> str:
    if sqlite:
        return f"WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})"
    return f"WITH numbers(i) AS (SELECT generate_series(1, CAST({count} AS bigint)))"
