"""The tables, and the keys that make mistakes impossible.

Times are seconds since 1970 as double precision; a `delay` stands beside each due time, so that a time further
ahead than its delay (the clock jumped) is void. Ids grow in the order of commits inside one conversation.
SQLite takes a partial index only where a query repeats its condition, so true is spelled `= 1` for it, as in queries.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from relay.vocabulary import DeliveryState, SendState

metadata = MetaData()

OPEN_SENDS = (SendState.FROZEN, SendState.SENDING, SendState.UNSURE)
OPEN_DELIVERIES = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.UNSURE)
UNDER_WAY = (DeliveryState.SENDING, DeliveryState.UNSURE)  # of a send, and of what it carries

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER PRIMARY KEY up by itself


def _flag(name: str, key: str | None = None) -> Column[bool]:
    """`key` is what the code calls a column whose name in the database is older."""
    return Column(name, Boolean, key=key, nullable=False, server_default=false())


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _seconds(name: str) -> Column[float]:
    return Column(name, Double, nullable=False, server_default=text("0"))


def words_column(name: str) -> Column[str]:
    """A text that may be empty."""
    return Column(name, Text, nullable=False, server_default="")


def index_over(name: str, *columns: str, where: str, on_postgres: str = "", unique: bool = False) -> Index:
    """An index over those rows alone; the condition stands in it as queries write it."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(on_postgres or where))


conversations = Table(
    "conversations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    words_column("title"),
    Column("channel", Text),  # as the mapping says it: an id or "#name"; NULL waits for the mapping
    Column("channel_id", Text),  # Slack's id for it, once known
    words_column("workspace"),  # that its channel is in, "" for the plain one
    words_column("rule"),
    words_column("why"),
    Column("thread_ts", Text),
    Column("dead_ts", Text),  # the thread that the present one replaces
    Column("root_form", Text, nullable=False, server_default="full"),
    # How it stands, see relay/conversation.py.
    Column("status", Text, nullable=False, server_default="open"),
    Column("holder", Text, nullable=False, server_default="nobody"),
    Column("assignee", Text),
    words_column("holder_name"),
    _flag("bot_near", "bot_active"),
    words_column("resolved_by"),
    Column("opener_id", Id),  # of received; no key, because that table refers to this one
    words_column("opener_sender"),
    Column("opener_rank", Integer, nullable=False, server_default=text("-1")),
    Column("since", Double),
    Column("waits_since", Double),
    Column("held_since", Double),
    _flag("muted"),
    Column("remind_at", Double),  # NULL until it is decided
    _seconds("remind_delay"),
    _count("reminders"),
    Column("card_fingerprint", Text),  # of what the card shows, NULL where that is not known
    Column("card_last_id", Id),  # the last of received that had come when it was drawn
    _count("wanted"),  # versions of the card: what it should show, what it shows
    _count("shown"),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("account", "group_id"),
    index_over("conversations_unmapped", "id", where="channel IS NULL"),
    index_over("conversations_waiting", "waits_since", where="waits_since IS NOT NULL"),
    index_over("conversations_held", "id", where="holder = 'agent' AND status <> 'resolved'"),
    Index("conversations_by_group", "group_id"),
    Index("conversations_by_customer", "opener_sender", "id"),
)

received = Table(
    "received",
    metadata,
    Column("id", Id, primary_key=True),
    Column("door", Text, key="source", nullable=False),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text),  # NULL for a rejected body: it holds no dedupe key
    Column("client_key", Text, unique=True),
    Column("conversation_id", Id, ForeignKey("conversations.id")),
    Column("edited_at", Text),  # of an edit: when, as Slack writes it
    Column("thread_channel", Text),  # of what is held: where it was written
    Column("thread_ts", Text),
    Column("edits_key", Text),  # of a held edit: the key of the message that it changes
    Column("quotes", Text),  # the key of the message that this one answers to
    _flag("gone"),  # of an edit: the message was deleted; of a message: its author took it back
    Column("outcome", Text, nullable=False),
    words_column("reason"),
    Column("body", LargeBinary),  # NULL once retention has pruned it
    _count("copies"),  # how many duplicates came after it
    Column("received_at", Double, nullable=False),
    UniqueConstraint("source", "account", "kind", "key"),
    Index("received_of_conversation", "conversation_id", "id"),
    index_over("received_held", "thread_channel", "id", where="outcome = 'held'"),
    index_over("received_rejected", "id", where="outcome = 'rejected'"),
    index_over("received_quoting", "conversation_id", "quotes", where="quotes IS NOT NULL"),
    index_over("received_again", "copies", where="copies > 0"),
    index_over("received_with_body", "received_at", where="body IS NOT NULL"),
    sqlite_autoincrement=True,
)

lanes = Table(
    "lanes",
    metadata,
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("due", Double),  # NULL: nothing to do
    _seconds("delay"),
    Column("waiting_since", Double),
    Column("lease_owner", Text),
    Column("lease_until", Double),
    Column("token", BigInteger, nullable=False, server_default=text("0")),
    _count("attempts"),
    _seconds("spent"),  # seconds of retry delays used up by the present head
    _flag("looking"),  # its head is unsure: the next call is a look, not a post
    # The last delivery whose events have been applied to the conversation.
    Column("heard", Id, key="events_applied_to", nullable=False, server_default=text("0")),
    Column("mentioned", Text),  # the Slack user whom the thread has mentioned last, so that it is theirs
    Column("broadcast_from", Double),  # from then on the next message is also shown in the channel
    PrimaryKeyConstraint("conversation_id", "kind"),
    index_over("lanes_due", "due", where="due IS NOT NULL"),
    index_over("lanes_leased", "lease_owner", where="lease_owner IS NOT NULL"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("lane", Text, nullable=False),
    Column("received_id", Id, ForeignKey("received.id"), nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("form", Text, nullable=False, server_default="full"),
    _flag("alone"),  # it was in a batch that Slack refused: it goes singly now
    _flag("notice_due"),  # buried, and its thread has not been told yet
    words_column("cause"),
    Column("words_id", Id, ForeignKey("received.id")),  # the edit that says what to send instead
    Column("late_id", Id, ForeignKey("received.id")),  # the last edit that came after it had set out
    Column("about", Id, ForeignKey("deliveries.id")),  # a line in the thread that tells of this one
    words_column("topic"),  # of such a line; and "click" for what a click asks for
    Column("written_at", Double),  # when Slack says an agent wrote it: replies go out in that order
    _seconds("not_before"),
    _seconds("undo"),  # how long it may be undone: a `not_before` further ahead than that is void
    _flag("may_repeat"),  # it may stand in Slack already, and nobody can look: the next post of it says so
    words_column("asks"),  # why its author is asked before it goes to the customer
    _flag("asked"),  # that the question was put, which its `not_before` ends
    _flag("by_hand"),  # somebody said that it goes to the customer
    words_column("pressed_by"),  # the name of who pressed a button on a line about it last
    Column("tries_until", Double),  # of a reply that could not be sent so far
    Column("correction_id", Id),  # of deliveries: what was sent last to correct this one
    words_column("mark"),  # the receipt an agent's message should bear, and the one it bears
    words_column("mark_shown"),
    Column("created_at", Double, nullable=False),
    Column("settled_at", Double),
    index_over(
        "deliveries_open",
        "conversation_id",
        "lane",
        "id",
        where="state IN ('waiting', 'sending', 'unsure') OR notice_due = 1",
        on_postgres="state IN ('waiting', 'sending', 'unsure') OR notice_due",
    ),
    index_over("deliveries_about", "about", where="about IS NOT NULL"),
    index_over("deliveries_corrected", "correction_id", where="correction_id IS NOT NULL"),
    index_over("deliveries_to_mark", "conversation_id", "id", where="mark <> mark_shown"),
    index_over("deliveries_not_delivered", "state", "lane", "topic", "created_at", where="state <> 'delivered'"),
    index_over("deliveries_dead", "id", where="state = 'dead'"),
    Index("deliveries_of_received", "received_id"),
    index_over("deliveries_settled", "settled_at", where="settled_at IS NOT NULL"),
    sqlite_autoincrement=True,
)

OUTDATED: ColumnElement[bool] = deliveries.c.mark != deliveries.c.mark_shown
# As the index has it: SQLite does not see that a dead one is not delivered.
NOT_DELIVERED: ColumnElement[bool] = deliveries.c.state != literal_column("'delivered'")

sends = Table(
    "sends",
    metadata,
    Column("id", Text, primary_key=True),  # random; it travels in Slack's metadata
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("lane", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON: what goes out
    Column("channel", Text, nullable=False),  # of what goes to Kommunicate, the account there
    Column("thread_ts", Text),
    Column("since_ts", Text),  # Slack's last known ts in that channel: where a look starts
    Column("version", Integer),  # of the card that a root shows
    Column("received_ids", Text),  # of what it carries: by them a log is searched
    Column("state", Text, nullable=False, server_default="frozen"),
    Column("started_at", Double),
    _count("looks"),
    _count("failed_looks"),
    _count("resent"),
    Column("look_again_at", Double),
    Column("ts", Text),  # where it stands in Slack; a reply's is Kommunicate's message key
    words_column("cause"),
    _count("outdated"),  # how often something of what it shows has changed since it was drawn
    Column("created_at", Double, nullable=False),
    UniqueConstraint("conversation_id", "lane", "seq"),
    index_over("sends_open", "conversation_id", "lane", "seq", where="state IN ('frozen', 'sending', 'unsure')"),
    index_over("sends_to_look_at", "conversation_id", "lane", "seq", where="look_again_at IS NOT NULL"),
    index_over("sends_in_channel", "channel", "ts", where="ts IS NOT NULL"),
    index_over("sends_in_slack", "created_at", where="ts IS NOT NULL AND lane = 'words'"),
    index_over("sends_outdated", "conversation_id", "seq", where="outdated > 0"),
    index_over("sends_of_roots", "state", where="kind = 'root'"),
    index_over("sends_with_payload", "created_at", where="payload <> '{}'"),
)

send_parts = Table(
    "send_parts",
    metadata,
    Column("send_id", Text, ForeignKey("sends.id"), nullable=False),
    Column("delivery_id", Id, ForeignKey("deliveries.id"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("live", Boolean, nullable=False),
    PrimaryKeyConstraint("send_id", "delivery_id", "part"),
    # No part of a message can be on its way, or visible, in two sends at once.
    index_over("send_parts_live", "delivery_id", "part", where="live = 1", on_postgres="live", unique=True),
    index_over("send_parts_earlier", "delivery_id", where="live = 0", on_postgres="NOT live"),
)

gates = Table(
    "gates",
    metadata,
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    words_column("workspace"),  # of Slack's that it is of, "" for the plain one
    Column("closed_until", Double),
    _seconds("delay"),
    words_column("cause"),
    words_column("code"),
    _flag("operator"),  # a person must act; the relay looks again by itself
    _count("strikes"),
    Column("refused_at", Double),
    _count("refusals"),  # messages in a row that were refused with a code nobody documents
    words_column("refusal_code"),
    _seconds("next_slot"),  # the pace: when the next post is due at an even rate
    _flag("told", "alerted"),
    PrimaryKeyConstraint("scope", "name"),
)

people = Table(
    "people",
    metadata,
    Column("account", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    words_column("name"),
    words_column("role"),
    words_column("email"),  # of a Slack user, by which an agent is found; of a customer where cards show it
    words_column("phone"),  # of a customer where cards show it
    Column("looked_up_at", Double, nullable=False),
    words_column("search_name"),  # the name as it is searched, and beginning with its last word
    words_column("search_last"),
    PrimaryKeyConstraint("account", "user_id"),
    Index("people_by_role", "role"),
    # By how they begin, whatever PostgreSQL's language is.
    Index("people_by_search_name", "search_name", postgresql_ops={"search_name": "text_pattern_ops"}),
    Index("people_by_search_last", "search_last", postgresql_ops={"search_last": "text_pattern_ops"}),
)
