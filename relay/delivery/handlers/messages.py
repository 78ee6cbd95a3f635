"""What a conversation shows in Slack: its root, then its messages, in as few posts as fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog

from relay.conversation import Show
from relay.delivery import stored
from relay.delivery.adopting import adopt_held
from relay.delivery.calling import channel_is_due, said_by_others, shown_in_channel
from relay.delivery.context import DeliveryContext
from relay.delivery.events import apply_events, assigned_to, changes_state, mention
from relay.delivery.handlers.card import draw
from relay.delivery.last_words import CUSTOMERS
from relay.delivery.lines import Unrenderable, to_lines
from relay.delivery.moving import begins_anew, moved_by
from relay.delivery.notices import called_agents
from relay.delivery.showing import (
    Shown,
    back_after_an_edit,
    left_to_bot,
    seconds_to_gather,
    without_the_left_out,
)
from relay.delivery.steps import LOCK, Answered, Look, Need, Prepared, Ready, Refused, Remove, Result, Step, TooLate
from relay.errors import DeliveryFailed, Permanent, ThreadGone, Unsure
from relay.failpoints import failpoint
from relay.files import Way
from relay.messages import ConversationKey, MessageKind, Person
from relay.owners import owned
from relay.slack.client import Posted
from relay.slack.limits import FIND_CHANNEL
from relay.slack.post import SlackPost, fingerprint, mark_repeated
from relay.slack.render import Line, Previous, render_batch
from relay.store.conversations import threads
from relay.store.conversations.corrections import end_withdrawn
from relay.store.conversations.files import queue_files
from relay.store.conversations.state import LATER
from relay.store.db.engine import Tx
from relay.store.db.rows import FOLLOWS, Claim, Draft, Send, Waiting
from relay.store.queue import copies, refusals, sends
from relay.store.queue.due import arm_card_in_passing
from relay.store.queue.gates import reopen, reopen_for_post, seconds_closed
from relay.store.queue.lanes import give_back, record_events_applied
from relay.store.queue.waiting import waiting
from relay.vocabulary import GateScope, SendKind, SendState

NAMES, CHANNEL, MEMBERS = "names", "channel", "members"

log = structlog.get_logger()


def prepare(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """The next root or posts. A message that cannot be rendered becomes a dead letter, and later ones continue."""
    if claim.conversation.channel_id is None:
        return _name_channel(tx, context, claim)
    try:
        return _posts(tx, context, claim)
    except Unrenderable as error:
        log.error("message.unrenderable", delivery=error.delivery_id, cause=str(error))
        refusals.bury_unrendered(tx, error.delivery_id, str(error))
        return 0.0


def unanswered(tx: Tx, context: DeliveryContext, claim: Claim, send: Send) -> Step | None:
    """It may be in Slack."""
    return Look(send)


def call(context: DeliveryContext, claim: Claim, send: Send) -> Posted:
    """Post once."""
    payload = {name: value for name, value in send.payload.items() if name != FOLLOWS}
    posted = context.slack_at(send.channel).post(send.channel, payload, thread_ts=send.thread_ts, send_id=send.id)
    return in_place(context, send, posted)


def in_place(context: DeliveryContext, send: Send, posted: Posted) -> Posted:
    """Where it landed, if that is the right place.

    If the thread is gone, Slack posts at the channel's root and answers ok: that post is deleted again. Raises
    ThreadGone, or Unsure if the post could not be deleted.
    """
    if send.is_root or posted.thread_ts == send.thread_ts:
        return posted
    failpoint("stray.posted")
    try:
        delete(context, send.channel, posted.ts)
    except DeliveryFailed as error:
        raise Unsure(f"its thread is gone, and the stray could not be deleted: {error}", code=error.code) from None
    raise ThreadGone("its thread is gone", code="thread_gone")


def delete(context: DeliveryContext, channel: str, ts: str) -> None:
    """Delete a copy. One that Slack will never let us delete must not block later posts."""
    try:
        context.slack_at(channel).delete(channel, ts)
    except Permanent as error:
        log.error("copy.not_deletable", channel=channel, ts=ts, code=error.code)
    failpoint("stray.deleted")


def settled(tx: Tx, context: DeliveryContext, claim: Claim, send: Send, result: Result) -> Step | None:
    """It is in Slack; or never will be."""
    match result:
        case Answered(Posted(_, ts, _)) if send.is_root:
            if not threads.save_root(tx, claim, send, ts, fingerprint(send.payload)):
                return Remove(send, ts)
            adopt_held(tx, context, claim.conversation, ts)
            give_back(tx, claim)
        case Answered(Posted(_, ts, _)):
            if sends.mark_delivered(tx, send, ts):
                reopen_for_post(tx, send.channel, context.limits)
            if send.follows:
                queue_files(tx, claim.conversation.id, send.follows)
            give_back(tx, claim)
        case Refused(cause):
            refusals.bury(tx, claim, send, cause)
            give_back(tx, claim)
        case TooLate(answer):
            copies.report_late(tx, claim, send, answer.ts if isinstance(answer, Posted) else None)
    return None


def removed(tx: Tx, claim: Claim, send: Send) -> None:
    """A superfluous root was deleted in Slack: forget it."""
    sends.drop(tx, send, SendState.VOID, "the conversation moved to another place")
    give_back(tx, claim)


def _posts(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    rows = _still_to_show(tx, claim, waiting(tx, claim))
    if not rows:
        return None
    found = to_lines(tx, context, claim, rows)
    if isinstance(found, Need):
        return found
    lines, people = found
    shown: Shown = list(zip(rows, lines, strict=True))
    if changes_state(claim, shown, people, context.closing_words):
        if not claim.locked:
            return Need(LOCK)
        claim = apply_events(tx, claim, shown, people, context.closing_words)
    to, anew = moved_by(context, claim, shown), begins_anew(tx, context, claim, rows[0])
    if not (to or anew):
        return _to_be_shown(tx, context, claim, shown, people)
    if not claim.locked:
        return Need(LOCK)
    record_events_applied(tx, claim, rows[-1].id)
    if to:
        threads.follow(tx, claim.conversation, to)
    else:
        threads.begin_anew(tx, claim.conversation.id)
    return 0.0


def _to_be_shown(
    tx: Tx, context: DeliveryContext, claim: Claim, shown: Shown, people: Mapping[str, Person]
) -> Prepared:
    """The next root or posts, of what the channel is to see."""
    show, last = context.showing.show_of(claim.conversation.rule), shown[-1][0].id
    left = left_to_bot(tx, claim, shown, context.closing_words) if show is Show.HANDOFF else False
    if left is not False:
        record_events_applied(tx, claim, last)
        return None if left is True else left
    if show is not Show.HANDOFF and back_after_an_edit(tx, claim):
        record_events_applied(tx, claim, last)
        return 0.0
    if show is Show.CUSTOMERS:
        shown = without_the_left_out(tx, claim, show, shown)
    if shown and claim.conversation.thread_ts is None:
        return _root(tx, context, claim, [row for row, _ in shown])
    if show is Show.ALERTS:
        shown = without_the_left_out(tx, claim, show, shown)
    wait = seconds_to_gather(context, claim, shown) if shown else None
    if wait == 0.0:
        return _drafts(tx, context, claim, shown, people)
    record_events_applied(tx, claim, last)
    return wait


def _drafts(
    tx: Tx,
    context: DeliveryContext,
    claim: Claim,
    shown: Shown,
    people: Mapping[str, Person],
) -> Prepared:
    place, rows, lines = claim.conversation, [row for row, _ in shown], [line for _, line in shown]
    told = [line for line in lines if line.told is not None]
    assigned = [one for line in lines if (one := assigned_to(line, people))]
    assigned += called_agents(claim, told) if told else []
    if assigned and MEMBERS not in claim.asked and (missing := context.members_at(place).missing(assigned)):
        return Need(MEMBERS, partial(context.members_at(place).look_up, missing))
    lines, mentioned = mention(context.members_at(place), claim, lines, people)
    posts = _render(lines, previous=_previous(claim.above, place.key), url=context.conversation_url(place.key))
    if any(line.is_spoken and line.author.role in CUSTOMERS for line in lines):
        arm_card_in_passing(tx, place.id, LATER)  # it quotes the customer's latest message
    drafts = _with_files([_draft(claim, post, rows) for post in posts], lines)
    seen = shown_in_channel(tx, claim, lines, posts) if context.broadcasts else None
    if seen is not None:
        drafts[seen] = replace(drafts[seen], payload={**drafts[seen].payload, "reply_broadcast": True})
    return Ready(tuple(drafts), rows[-1].id, seen == 0 and channel_is_due(claim, lines), mentioned)


def _still_to_show(tx: Tx, claim: Claim, rows: list[Waiting]) -> list[Waiting]:
    """Drop what its author withdrew before it was shown, and calls for customers who no longer wait."""
    over = {row.id for row in rows if row.is_withdrawn}
    over |= said_by_others(tx, claim.conversation.id, claim.conversation.state, rows)
    if over:
        end_withdrawn(tx, sorted(over))
    return [row for row in rows if row.id not in over]


def _root(tx: Tx, context: DeliveryContext, claim: Claim, rows: Sequence[Waiting]) -> Prepared:
    place = claim.conversation
    post = draw(tx, context, claim)
    if isinstance(post, Need):
        return post
    channel = place.channel_id or ""
    root = Draft(SendKind.ROOT, channel, None, post.payload(), version=place.wanted, opens_for=rows[0].id)
    return Ready((root,), rows[-1].id)


def _draft(claim: Claim, post: SlackPost, rows: Sequence[Waiting]) -> Draft:
    place = claim.conversation
    twice = {row.id for row in rows if row.may_repeat} & {delivery_id for delivery_id, _ in post.parts}
    payload = mark_repeated(post.payload()) if twice else post.payload()
    return Draft(SendKind.POST, place.channel_id or "", place.thread_ts, payload, post.parts)


def _with_files(drafts: list[Draft], lines: Sequence[Line]) -> list[Draft]:
    """Queue the files of the messages that end with this post."""
    following = {line.id for line in lines if line.is_spoken and line.file is Way.UPLOAD}
    for number in reversed(range(len(drafts))) if following else ():
        here = sorted(following & {delivery_id for delivery_id, _ in drafts[number].parts})
        if here:
            drafts[number] = replace(drafts[number], payload={**drafts[number].payload, FOLLOWS: here})
        following -= set(here)
    return drafts


def _previous(above: bytes | None, key: ConversationKey) -> Previous | None:
    if above is None:
        return None
    message = stored.read_as_it_came(above, key.account)
    if isinstance(message, str) or message.kind is MessageKind.NOTICE:
        return None
    return Previous(message.sender, message.sent_at)


def _render(lines: Sequence[Line], *, previous: Previous | None, url: str) -> list[SlackPost]:
    try:
        posts = render_batch(lines, previous=previous, dashboard_url=url)
    except Exception as error:  # whatever a message does to the renderer, later ones continue
        raise Unrenderable(_culprit(lines, url), f"rendering failed: {type(error).__name__}") from error
    if not posts:  # otherwise its lane would be held for ever
        raise Unrenderable(lines[0].id, "nothing of it is left to show")
    return posts


def _culprit(lines: Sequence[Line], url: str) -> int:
    for line in lines:
        try:
            render_batch([line], previous=None, dashboard_url=url)
        except Exception:  # noqa: BLE001 - this one it is
            return line.id
    return lines[0].id


def _name_channel(tx: Tx, context: DeliveryContext, claim: Claim) -> Prepared:
    """Resolve the mapping's "#name" to Slack's id."""
    name = claim.conversation.channel or ""
    if name not in context.channel_ids:
        wait = seconds_closed(tx, GateScope.METHOD, owned(claim.conversation.workspace, FIND_CHANNEL))
        return Need(CHANNEL, partial(context.find_channel, name)) if wait is None else wait
    if not claim.locked:
        return Need(LOCK)
    threads.name_channel(tx, claim.conversation, context.channel_ids[name])
    reopen(tx, GateScope.CHANNEL, name)
    return 0.0
