"""The words that the database, the engine and the handlers share, one meaning each; the database keeps their values."""

from __future__ import annotations

from enum import StrEnum


class Vendor(StrEnum):
    """Whom the relay calls, as people say it."""

    KOMMUNICATE = "Kommunicate"
    SLACK = "Slack"


class Lane(StrEnum):
    """The ordered queues of a conversation: one send of each is under way at a time, and none waits for another."""

    WORDS = "words"  # what the thread shows
    REPLIES = "replies"  # what agents want of Kommunicate
    FILES = "files"  # customers' files, one after the other: they are slow
    FILES_BACK = "files_back"  # agents' files on their way to the customer
    CARD = "card"  # the card, and the marks on agents' messages: states to bring about, at low priority


FILE_LANES = (Lane.FILES, Lane.FILES_BACK)


class Source(StrEnum):
    """Where something came in."""

    KOMMUNICATE = "kommunicate"
    SLACK = "slack"


class ReceivedKind(StrEnum):
    """What came in."""

    MESSAGE = "message"
    EDIT = "edit"  # an agent's, of a message; also that it was deleted
    CLICK = "click"
    FORM = "form"  # an agent's words to the customer, written in a form


class Outcome(StrEnum):
    """What became of something that came in."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # it was here before; only counted
    IGNORED = "ignored"
    REJECTED = "rejected"  # it could not be understood
    HELD = "held"  # until the thread it was written in is known


class DeliveryState(StrEnum):
    """How far one thing to do is."""

    WAITING = "waiting"
    SENDING = "sending"  # a send carries it
    UNSURE = "unsure"  # a send may have brought it
    DELIVERED = "delivered"
    DEAD = "dead"  # given up, and kept
    IGNORED = "ignored"  # nothing is to be done about it


class SendState(StrEnum):
    """How far one outbound call is."""

    FROZEN = "frozen"  # stored as it will go out
    SENDING = "sending"  # it is being called, or was when its process ended
    UNSURE = "unsure"  # it may have been done: to be looked for
    DELIVERED = "delivered"
    REFUSED = "refused"  # it will never be taken
    VOID = "void"  # overtaken: it had no effect, and will have none


class SendKind(StrEnum):
    """What a call does."""

    ROOT = "root"  # opens a thread with its card
    POST = "post"  # shows messages in a thread
    REPLY = "reply"  # sends an agent's words to the customer
    TAKEOVER = "takeover"  # takes a chat from a bot before the first reply
    CLICK = "click"  # does what a control of the card asks for
    CARD = "card"  # brings a card up to date
    CORRECTION = "correction"  # brings a post up to date
    MARK = "mark"  # puts the right emoji on an agent's message
    UPLOAD = "upload"  # brings a customer's file to Slack, where nobody sees it yet
    SHARE = "share"  # shows that file in its thread
    RECALL = "recall"  # deletes it: its author took it back
    FETCH = "fetch"  # gets an agent's file, and keeps it for the customer


class ThreadNotice(StrEnum):
    """What a line is about in which the relay itself speaks in a thread; the topic of its delivery."""

    FAILED = "failed"
    UNSURE = "unsure"
    DELAYED = "delayed"  # it could not be sent so far, and is tried again
    KEPT = "kept"  # it looked like a note, and nobody confirmed that it goes to the customer
    SAID = "said"  # what was written in a form, not in the thread
    EDITED = "edited"
    DELETED = "deleted"
    FILES = "files"
    NO_FILE = "no_file"  # a customer's file could not be brought to Slack
    TAKEN = "taken"
    ASSIGNED = "assigned"
    RELEASED = "released"
    RESOLVED = "resolved"
    MOVED = "moved"  # to another channel, by hand
    REMINDER = "reminder"
    STALE = "stale"
    REFUSED = "refused"


FATE = (ThreadNotice.FAILED, ThreadNotice.UNSURE, ThreadNotice.DELAYED, ThreadNotice.KEPT, ThreadNotice.SAID)
CHANGE = (ThreadNotice.EDITED, ThreadNotice.DELETED)
"""Lines that say what has become of a reply, or of a change to it: one each, drawn again whenever that changes."""

CALLING = (ThreadNotice.REMINDER, ThreadNotice.STALE)  # lines that somebody must see


NO_TOPIC = ""  # of a delivery that is somebody's words
CLICK_TOPIC = ReceivedKind.CLICK.value  # of a delivery that is a click


class Mark(StrEnum):
    """What the emoji on an agent's message says of it."""

    NONE = ""
    PENDING = "pending"
    SENT = "sent"
    PARTLY = "partly"
    FAILED = "failed"
    UNSURE = "unsure"
    NOTE = "note"


class KeptState(StrEnum):
    """What has become of an agent's file that is kept for a customer."""

    WAITING = "waiting"  # to be fetched from Slack
    KEPT = "kept"
    FAILED = "failed"
    REVOKED = "revoked"  # nobody may open it any more
    GONE = "deleted"  # its content is


class GateScope(StrEnum):
    """What a gate holds back; its name says which one."""

    WORKSPACE = "workspace"  # everything for Slack
    METHOD = "method"  # calls of one method of Slack's
    CHANNEL = "channel"  # posts to one channel
    ACCOUNT = "account"  # everything for one account of Kommunicate's
    AGENT = "agent"  # what is done for one user of Kommunicate's
    CONFIG = "config"  # nothing: a mistake in the configuration only waits for a person


OF_SLACK = (GateScope.WORKSPACE, GateScope.METHOD, GateScope.CHANNEL)  # each of one workspace


class Refusal(StrEnum):
    """Why a request was refused that looks as if a vendor had sent it."""

    TOKEN = "other_token"  # noqa: S105  another token than Kommunicate's should be
    SIGNATURE = "other_secret"  # signed with another secret than Slack's should be
    TIME = "other_time"  # signed at a time that is too far from ours


class Trouble(StrEnum):
    """What people are told of in the alerts channel; the first five are gates that wait for a person."""

    CHANNEL = GateScope.CHANNEL.value
    WORKSPACE = GateScope.WORKSPACE.value
    ACCOUNT = GateScope.ACCOUNT.value
    AGENT = GateScope.AGENT.value
    CONFIG = GateScope.CONFIG.value
    DEAD_LETTERS = "dead_letters"
    REFUSED = "refused"  # requests that look like a vendor's, one after the other
    LAG = "lag"  # messages wait for longer than the settings allow
