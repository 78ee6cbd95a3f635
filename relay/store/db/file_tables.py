"""The tables of agents' files that are kept for customers, and of the relay's own counters.

The content of a file is in its pieces, or at the place named by its row in `file_contents`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from relay.store.db.tables import Id, index_over, metadata, words_column

__all__ = ["alerts", "counts", "file_contents", "file_pieces", "kept_files", "learned", "metadata", "minutes"]

kept_files = Table(
    "kept_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("delivery_id", Id, ForeignKey("deliveries.id"), nullable=False),  # the reply that it belongs to
    Column("number", Integer, nullable=False),  # among the reply's files
    Column("slack_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    words_column("content_type"),
    Column("size", BigInteger, nullable=False, server_default=text("0")),  # bytes
    Column("state", Text, nullable=False, server_default="waiting"),
    words_column("cause"),
    words_column("token"),  # of its link
    Column("digest", Text, unique=True),  # of the token: the key for finding a link
    Column("created_at", Double, nullable=False),
    UniqueConstraint("delivery_id", "number"),
    index_over("kept_files_to_fetch", "conversation_id", "id", where="state = 'waiting'"),
    index_over("kept_files_of_conversation", "conversation_id", where="state <> 'deleted'"),
    index_over("kept_files_by_age", "created_at", where="state <> 'deleted'"),
    sqlite_autoincrement=True,
)

HAS_CONTENT: ColumnElement[bool] = kept_files.c.state != literal_column(
    "'deleted'"
)  # or may have; as the indexes have it

file_pieces = Table(
    "file_pieces",
    metadata,
    Column("file_id", Id, ForeignKey("kept_files.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("file_id", "number"),
)

file_contents = Table(
    "file_contents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("file_id", Id, ForeignKey("kept_files.id"), nullable=False),
    Column("place", Text, nullable=False),  # "file:///..." or "s3://..."
    Column("name", Text, nullable=False, unique=True),  # the object's name there; unguessable
    Column("ended_at", Double),  # since when nobody needs it, None while somebody does
    Column("due", Double),  # when it is deleted, and when deletion is retried
    index_over("file_contents_needed", "file_id", where="ended_at IS NULL", unique=True),
    index_over("file_contents_ended", "due", where="due IS NOT NULL"),
    sqlite_autoincrement=True,
)

learned = Table(
    "learned",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

counts = Table(
    "counts",
    metadata,
    Column("what", Text, primary_key=True),
    Column("up_to", BigInteger, nullable=False),  # the last id counted here
    Column("counted", Text, nullable=False),  # JSON: how many of each kind
)

alerts = Table(
    "alerts",
    metadata,
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    words_column("cause"),
    Column("number", Integer, nullable=False, server_default=text("0")),  # dead letters; or seconds of delay
    Column("earlier", Integer, nullable=False, server_default=text("0")),  # of these, those already reported
    Column("newest", Double, nullable=False, server_default=text("0")),
    Column("over", Boolean, nullable=False, server_default=false()),
    Column("post_id", Text),  # of the alert's post, until it is certain that it is in Slack
    Column("posted_at", Double),
    PrimaryKeyConstraint("kind", "name"),
)

minutes = Table(
    "minutes",
    metadata,
    Column("minute", BigInteger, nullable=False),  # when it began
    Column("kind", Text, nullable=False),
    *(Column(name, Integer, nullable=False, server_default=text("0")) for name in ("received", "delivered", "failed")),
    Column("seconds", Text, nullable=False, server_default="{}"),  # JSON: the durations of the delivered ones
    PrimaryKeyConstraint("minute", "kind"),
)
