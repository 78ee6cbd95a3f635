"""The terms that the database, the engine and the handlers share, one meaning each. The database stores their
values.
"""

from __future__ import annotations

from enum import StrEnum


class Vendor(StrEnum):
    """The services the relay calls, by their display names."""

    KOMMUNICATE = "Kommunicate"
    SLACK = "Slack"


class Lane(StrEnum):
    """The ordered queues of a conversation. Each has one send in flight at a time, and none waits for another."""

    WORDS = "words"  # what the thread shows
    REPLIES = "replies"  # what agents ask of Kommunicate
    FILES = "files"  # customers' files, one at a time, because they are slow
    FILES_BACK = "files_back"  # agents' files on their way to the customer
    CARD = "card"  # the card, and the marks on agents' messages: low-priority state updates


FILE_LANES = (Lane.FILES, Lane.FILES_BACK)


class Source(StrEnum):
    """Where something came in."""

    KOMMUNICATE = "kommunicate"
    SLACK = "slack"


class ReceivedKind(StrEnum):
    """What came in."""

    MESSAGE = "message"
    EDIT = "edit"  # an agent's edit or deletion of a message
    CLICK = "click"
    FORM = "form"  # an agent's message to the customer, written in a form


class Outcome(StrEnum):
    """The result of something that came in."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # it arrived before; only counted
    IGNORED = "ignored"
    REJECTED = "rejected"  # it could not be understood
    HELD = "held"  # waits until the thread it was written in is known


class DeliveryState(StrEnum):
    """The state of one thing to deliver."""

    WAITING = "waiting"
    SENDING = "sending"  # a send carries it
    UNSURE = "unsure"  # a send may have delivered it
    DELIVERED = "delivered"
    DEAD = "dead"  # given up, but kept
    IGNORED = "ignored"  # nothing to do


class SendState(StrEnum):
    """The state of one outbound call."""

    FROZEN = "frozen"  # stored exactly as it will be sent
    SENDING = "sending"  # being called, or was when its process ended
    UNSURE = "unsure"  # may have been done: must be looked for
    DELIVERED = "delivered"
    REFUSED = "refused"  # will never be accepted
    VOID = "void"  # overtaken: it had no effect, and never will


class SendKind(StrEnum):
    """What a call does."""

    ROOT = "root"  # opens a thread with its card
    POST = "post"  # shows messages in a thread
    REPLY = "reply"  # sends an agent's message to the customer
    TAKEOVER = "takeover"  # takes a chat from a bot before the first reply
    CLICK = "click"  # does what a control on the card asks for
    CARD = "card"  # updates a card
    CORRECTION = "correction"  # updates a post
    MARK = "mark"  # puts the right emoji on an agent's message
    UPLOAD = "upload"  # uploads a customer's file to Slack, where nobody sees it yet
    SHARE = "share"  # shows that file in its thread
    RECALL = "recall"  # deletes that file: its author withdrew it
    FETCH = "fetch"  # fetches an agent's file, and stores it for the customer


class ThreadNotice(StrEnum):
    """The topics of the relay's own lines in a thread; the topic of their delivery."""

    FAILED = "failed"
    UNSURE = "unsure"
    DELAYED = "delayed"  # it could not be sent yet, and is retried
    KEPT = "kept"  # it looked like a note, and nobody confirmed that it goes to the customer
    SAID = "said"  # what was written in a form, not in the thread
    EDITED = "edited"
    DELETED = "deleted"
    FILES = "files"
    FILE_DELETED = "file_gone"  # of a reply that the customer has, or may have
    NO_FILE = "no_file"  # a customer's file could not be shown in Slack
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


NO_TOPIC = ""  # for a delivery that is somebody's message
CLICK_TOPIC = ReceivedKind.CLICK.value  # for a delivery that is a click


class Mark(StrEnum):
    """The state that the emoji on an agent's message shows."""

    NONE = ""
    PENDING = "pending"
    SENT = "sent"
    PARTLY = "partly"
    FAILED = "failed"
    UNSURE = "unsure"
    NOTE = "note"


class KeptState(StrEnum):
    """The state of an agent's file that is kept for a customer."""

    WAITING = "waiting"  # to be fetched from Slack
    KEPT = "kept"
    FAILED = "failed"
    REVOKED = "revoked"  # nobody may open it any more
    GONE = "deleted"  # its content is deleted


class GateScope(StrEnum):
    """What a gate holds back; its name says which one."""

    WORKSPACE = "workspace"  # everything for Slack
    METHOD = "method"  # calls of one Slack method
    CHANNEL = "channel"  # posts to one channel
    ACCOUNT = "account"  # everything for one Kommunicate account
    AGENT = "agent"  # everything for one Kommunicate user
    CONFIG = "config"  # nothing: an invalid configuration only waits for a person


OF_SLACK = (GateScope.WORKSPACE, GateScope.METHOD, GateScope.CHANNEL)  # each belongs to one workspace


class Refusal(StrEnum):
    """Why a request that looks like a vendor's was refused."""

    TOKEN = "other_token"  # noqa: S105  another token than Kommunicate's should be
    SIGNATURE = "other_secret"  # signed with a secret other than ours
    TIME = "other_time"  # signed at a time too far from ours


class Trouble(StrEnum):
    """What the alerts channel reports; the first five are gates that wait for a person."""

    CHANNEL = GateScope.CHANNEL.value
    WORKSPACE = GateScope.WORKSPACE.value
    ACCOUNT = GateScope.ACCOUNT.value
    AGENT = GateScope.AGENT.value
    CONFIG = GateScope.CONFIG.value
    DEAD_LETTERS = "dead_letters"
    REFUSED = "refused"  # consecutive requests that look like a vendor's
    LAG = "lag"  # messages wait longer than the settings allow
