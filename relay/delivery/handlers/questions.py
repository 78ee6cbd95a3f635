"""A reply that looks like a note: its author is asked privately, and it waits for the answer, as do the replies behind
it.
"""

from __future__ import annotations

from functools import partial

from relay.delivery import stored
from relay.delivery.context import DeliveryContext
from relay.delivery.steps import Author, Prepared, SayPrivately
from relay.owners import owned
from relay.slack.limits import SAY_PRIVATELY
from relay.slack.questions import note_or_reply
from relay.store.conversations import questions
from relay.store.db.engine import Tx
from relay.store.db.rows import AgentAction, Claim
from relay.store.queue.gates import reopen, seconds_closed
from relay.vocabulary import GateScope, SendKind

# A private line cannot be taken back: it must still be true after the wait.
WAITS = (
    "Your reply waits until somebody decides whether an earlier message in this thread goes to the customer. A mark"
    " on it will show when it is sent."
)


def prepare(context: DeliveryContext, claim: Claim, action: AgentAction) -> Prepared:
    """The question, or the notice to authors who wait behind it; after ten minutes of silence the reply stays
    internal.
    """
    said = stored.read_said(action.body)
    author = Author(said.channel, said.user_id, said.thread_ts) if said and said.user_id else None
    if action.is_behind:
        done = partial(questions.is_behind, delivery_id=action.id)
        return SayPrivately(SendKind.REPLY, WAITS, author, partial(_behind, claim, action.id), done)
    written = action.body if action.edit_id is None else action.edit
    words = stored.words_of(written, context.redact(claim.conversation.rule))
    sentence, controls = note_or_reply(action.asks, words, action.id, round(questions.ASKED_FOR / 60))
    done, settle = partial(questions.is_asked, delivery_id=action.id), partial(_asked, claim, action)
    until = None if action.written_at is None else action.written_at + questions.ASKED_FOR
    # Nobody is asked twice: the line in the thread says what the silence led to.
    asked = None if action.asked else author
    return SayPrivately(SendKind.REPLY, sentence, asked, settle, done, controls, waits_until=until)


def seconds_until_asked(tx: Tx, claim: Claim) -> float | None:
    """The seconds for which nobody can be asked, because of a rate limit of Slack's; None if they can."""
    return seconds_closed(tx, *_gate(claim))


def _gate(claim: Claim) -> tuple[GateScope, str]:
    return GateScope.METHOD, owned(claim.conversation.workspace, SAY_PRIVATELY)


def _behind(claim: Claim, delivery_id: int, tx: Tx, told: bool) -> None:  # noqa: FBT001
    questions.mark_behind(tx, claim, delivery_id)


def _asked(claim: Claim, action: AgentAction, tx: Tx, told: bool) -> None:  # noqa: FBT001
    """An author who could not be asked, or has not answered, is told by a line in the thread."""
    if told:
        reopen(tx, *_gate(claim))
        questions.mark_asked(tx, claim, action.id)
    else:
        questions.keep_inside(tx, claim, action.id, action.asks)
