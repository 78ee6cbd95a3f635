"""Whoever adds a column says whether it can hold something of a customer's: then a purge has to reach it."""

from __future__ import annotations

from sqlalchemy import LargeBinary, Text

from relay.store.db.file_tables import metadata

# What a purge empties, and where words, names or ids of customers can stand.
ERASED = {
    "conversations": {"title", "opener_sender", "card_fingerprint"},
    "received": {"body"},
    "deliveries": {"cause", "asks"},
    "sends": {"payload", "cause"},
    "people": {"account", "user_id", "name", "role", "email", "phone", "search_name", "search_last"},
    "kept_files": {"name", "cause", "content_type", "token"},
    "file_pieces": {"content"},
    "file_contents": {"name", "place"},
}
# Ids and keys of the vendors', words of the relay's own, the team's names, what the settings say.
KEPT = {
    "conversations": {"account", "group_id", "channel", "channel_id", "workspace", "rule", "why", "thread_ts",
                      "dead_ts", "root_form", "status", "holder", "assignee", "holder_name", "resolved_by"},
    "received": {"door", "account", "kind", "key", "client_key", "edited_at", "thread_channel", "thread_ts",
                 "edits_key", "quotes", "outcome", "reason"},
    "lanes": {"kind", "lease_owner", "mentioned"},
    "deliveries": {"lane", "state", "form", "topic", "pressed_by", "mark", "mark_shown"},
    "sends": {"id", "lane", "kind", "channel", "thread_ts", "since_ts", "state", "ts", "received_ids"},
    "send_parts": {"send_id"},
    "gates": {"scope", "name", "workspace", "cause", "code", "refusal_code"},
    "counts": {"what", "counted"},
    "kept_files": {"slack_id", "state", "digest"},
    "learned": {"name", "value"},
    "minutes": {"kind", "seconds"},
    "alerts": {"kind", "name", "cause", "post_id"},
}  # fmt: skip


def test_every_column_that_holds_text_is_accounted_for() -> None:
    found = {
        name: {column.name for column in table.c if isinstance(column.type, Text | LargeBinary)}
        for name, table in metadata.tables.items()
    }
    told = {name: ERASED.get(name, set()) | KEPT.get(name, set()) for name in found}
    assert found == told
