"""The tables, and the keys that make mistakes impossible.

Times are seconds since 1970 as double precision. Each due time has a `delay` beside it; a time further ahead than its
delay (the clock jumped) is void. Ids grow in the order of commits within one conversation. SQLite uses a partial index
only if a query repeats its condition, so true is written `= 1` for it, as in queries.
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
# The causes of sends that were erased while they stood, or might stand, in Slack.
TO_DELETE, TO_LOOK_FOR = "erased, to be deleted in Slack", "erased while it was under way, to be looked for in Slack"

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite auto-increments only INTEGER PRIMARY KEY


def _flag(name: str, key: str | None = None) -> Column[bool]:
    """`key` is the code's name for a column whose database name is older."""
    return Column(name, Boolean, key=key, nullable=False, server_default=false())


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _seconds(name: str) -> Column[float]:
    return Column(name, Double, nullable=False, server_default=text("0"))


def words_column(name: str) -> Column[str]:
    """A text that may be empty."""
    return Column(name, Text, nullable=False, server_default="")


def index_over(name: str, *columns: str, where: str, on_postgres: str = "", unique: bool = False) -> Index:
    """An index over only these rows; the condition is spelled as in queries."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(on_postgres or where))


conversations = Table(
    "conversations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    words_column("title"),
    Column("channel", Text),  # as the mapping gives it: an id or "#name"; NULL waits for the mapping
    Column("channel_id", Text),  # Slack's id for it, once known
    words_column("workspace"),  # of its channel, "" for the first one
    words_column("rule"),
    words_column("why"),
    Column("thread_ts", Text),
    Column("dead_ts", Text),  # the thread that the current one replaces
    Column("root_form", Text, nullable=False, server_default="full"),
    # Its state, see relay/conversation.py.
    Column("status", Text, nullable=False, server_default="open"),
    Column("holder", Text, nullable=False, server_default="nobody"),
    Column("assignee", Text),
    words_column("holder_name"),
    _flag("bot_near", "bot_active"),
    words_column("resolved_by"),
    Column("opener_id", Id),  # in received; not a foreign key, because that table refers to this one
    words_column("opener_sender"),
    Column("opener_rank", Integer, nullable=False, server_default=text("-1")),
    Column("since", Double),
    Column("waits_since", Double),
    Column("held_since", Double),
    _flag("muted"),
    Column("remind_at", Double),  # NULL until decided
    _seconds("remind_delay"),
    _count("reminders"),
    Column("card_fingerprint", Text),  # of what the card shows, NULL if unknown
    Column("card_last_id", Id),  # the last of received when it was drawn
    _count("wanted"),  # versions of the card: the wanted one, the one shown
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
    Column("edited_at", Text),  # of an edit: Slack's time of it
    Column("thread_channel", Text),  # where a held message was written
    Column("thread_ts", Text),
    Column("edits_key", Text),  # the key of the message that a held edit changes
    Column("quotes", Text),  # the key of the message that this one answers
    _flag("gone"),  # of an edit: the message was deleted; of a message: its author withdrew it
    Column("outcome", Text, nullable=False),
    words_column("reason"),
    Column("body", LargeBinary),  # NULL once retention has pruned it
    _count("copies"),  # how many duplicates followed
    Column("received_at", Double, nullable=False),
    UniqueConstraint("source", "account", "kind", "key"),
    Index("received_of_conversation", "conversation_id", "id"),
    index_over("received_held", "thread_channel", "id", where="outcome = 'held'"),
    index_over("received_in_thread", "thread_channel", "thread_ts", where="thread_ts IS NOT NULL"),
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
    _seconds("spent"),  # seconds of retry delays used up by the current head
    _flag("looking"),  # its head is unsure: the next call is a look, not a post
    # The last delivery whose events were applied to the conversation.
    Column("heard", Id, key="events_applied_to", nullable=False, server_default=text("0")),
    Column("mentioned", Text),  # the Slack user whom the thread mentioned last
    Column("broadcast_from", Double),  # from this time on, the next message is also shown in the channel
    PrimaryKeyConstraint("conversation_id", "kind"),
    index_over("lanes_due", "due", where="due IS NOT NULL"),
    index_over("lanes_leased", "lease_owner", where="lease_owner IS NOT NULL"),
)

_TO_DO = "state IN ('waiting', 'sending', 'unsure') OR notice_due"
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("lane", Text, nullable=False),
    Column("received_id", Id, ForeignKey("received.id"), nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("form", Text, nullable=False, server_default="full"),
    _flag("alone"),  # it was in a batch that Slack refused: now sent singly
    _flag("notice_due"),  # buried, and its thread not told yet
    words_column("cause"),
    Column("words_id", Id, ForeignKey("received.id")),  # the edit whose text is sent instead
    Column("late_id", Id, ForeignKey("received.id")),  # the last edit that arrived after it was sent
    Column("about", Id, ForeignKey("deliveries.id")),  # the delivery that a line in the thread is about
    words_column("topic"),  # of such a line; "click" for a click
    Column("written_at", Double),  # when an agent wrote it, by Slack's time: the order of replies
    _seconds("not_before"),
    _seconds("undo"),  # how long it can be undone: a `not_before` further ahead than that is void
    _flag("may_repeat"),  # it may be in Slack already, and nobody can look: its next post says so
    words_column("asks"),  # why its author is asked before it goes to the customer
    _flag("asked"),  # the question was asked; its `not_before` ends it
    _flag("by_hand"),  # somebody decided that it goes to the customer
    words_column("pressed_by"),  # the name of who last pressed a button on a line about it
    Column("tries_until", Double),  # of a reply that could not be sent yet
    Column("correction_id", Id),  # the delivery that last corrected this one
    words_column("mark"),  # the wanted mark on an agent's message, and the one it has
    words_column("mark_shown"),
    Column("created_at", Double, nullable=False),
    Column("settled_at", Double),
    index_over("deliveries_open", "conversation_id", "lane", "id", where=f"{_TO_DO} = 1", on_postgres=_TO_DO),
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
# As in the index: SQLite does not infer that a dead one is not delivered.
NOT_DELIVERED: ColumnElement[bool] = deliveries.c.state != literal_column("'delivered'")

sends = Table(
    "sends",
    metadata,
    Column("id", Text, primary_key=True),  # random; stored in Slack's metadata
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("lane", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON: what is sent
    Column("channel", Text, nullable=False),  # for Kommunicate, the account
    Column("thread_ts", Text),
    Column("since_ts", Text),  # Slack's last known ts in that channel: where a look starts
    Column("version", Integer),  # of the card that a root shows
    Column("received_ids", Text),  # of what it carries: for searching a log
    Column("state", Text, nullable=False, server_default="frozen"),
    Column("started_at", Double),
    _count("looks"),
    _count("failed_looks"),
    _count("resent"),
    Column("look_again_at", Double),
    Column("ts", Text),  # its place in Slack; for a reply, Kommunicate's message key
    words_column("cause"),
    _count("outdated"),  # changes to what it shows since it was drawn
    Column("created_at", Double, nullable=False),
    UniqueConstraint("conversation_id", "lane", "seq"),
    index_over("sends_open", "conversation_id", "lane", "seq", where="state IN ('frozen', 'sending', 'unsure')"),
    index_over("sends_to_look_at", "conversation_id", "lane", "seq", where="look_again_at IS NOT NULL"),
    index_over("sends_in_channel", "channel", "ts", where="ts IS NOT NULL"),
    index_over("sends_in_slack", "created_at", where="ts IS NOT NULL AND lane = 'words'"),
    index_over("sends_outdated", "conversation_id", "seq", where="outdated > 0"),
    index_over("sends_of_roots", "state", where="kind = 'root'"),
    index_over("sends_to_delete", "id", where=f"cause IN ('{TO_DELETE}', '{TO_LOOK_FOR}')"),
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
    # A part of a message can be in flight, or visible, in only one send at a time.
    index_over("send_parts_live", "delivery_id", "part", where="live = 1", on_postgres="live", unique=True),
    index_over("send_parts_earlier", "delivery_id", where="live = 0", on_postgres="NOT live"),
)

gates = Table(
    "gates",
    metadata,
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    words_column("workspace"),  # its Slack workspace, "" for the first one
    Column("closed_until", Double),
    _seconds("delay"),
    words_column("cause"),
    words_column("code"),
    _flag("operator"),  # a person must act; the relay checks again by itself
    _count("strikes"),
    Column("refused_at", Double),
    _count("refusals"),  # consecutive messages refused with an undocumented code
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
    words_column("email"),  # of a Slack user, for finding the agent; of a customer if cards show it
    words_column("phone"),  # of a customer if cards show it
    Column("looked_up_at", Double, nullable=False),
    words_column("search_name"),  # the name as it is searched, and the same with its last word first
    words_column("search_last"),
    PrimaryKeyConstraint("account", "user_id"),
    Index("people_by_role", "role"),
    Index("people_by_age", "looked_up_at"),
    # By prefix, whatever PostgreSQL's locale is.
    Index("people_by_search_name", "search_name", postgresql_ops={"search_name": "text_pattern_ops"}),
    Index("people_by_search_last", "search_last", postgresql_ops={"search_last": "text_pattern_ops"}),
)
