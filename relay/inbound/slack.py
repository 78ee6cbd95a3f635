"""What people do in Slack: stored before it is acknowledged, or done at once and never stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from relay.delivery.at_once import AtOnce
from relay.errors import SettingsError
from relay.inbound import home
from relay.inbound.address import reached_at
from relay.messages import Ignored
from relay.owners import ACCOUNT, WORKSPACE, bare, owner_of
from relay.slack.body import storable
from relay.slack.card import LABELS, acted_upon
from relay.slack.events import (
    HOME,
    AgentEdit,
    AgentWords,
    AsksForChats,
    Challenge,
    Click,
    Foreign,
    FormChoice,
    FormWords,
    LooksAtHome,
)
from relay.slack.forms import EMPTY, SAVED_REPLIES, Place, saved_form, tell_form
from relay.slack.home import page_of
from relay.slack.interactions import agent_click, agent_form, parse_interaction
from relay.slack.parse import agent_change, agent_message, parse_event
from relay.slack.questions import asked_about
from relay.slack.thread_notices import BUTTONS, MOVE_TO, SEND_TO_CUSTOMER, TELL_CUSTOMER
from relay.spans import Kind, is_about, note, traced
from relay.store.conversations.kept_files import learn_public_url
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.intake.clicks import accept_click
from relay.store.intake.edits import accept_change
from relay.store.intake.forms import accept_form, is_ours
from relay.store.intake.recording import NOT_OURS, record_foreign
from relay.store.intake.replies import accept_reply
from relay.vocabulary import Outcome
from relay.wiring import Relay

ID = re.compile(r"[0-9]{1,18}", re.ASCII)
NO_CHAT = "This message is not in a customer's thread."
NO_SAVED = "There are no saved replies yet: `saved_replies` in the relay's settings holds them."
UNINSTALLED = "the app was uninstalled, or its token revoked"
log = structlog.get_logger()


@traced("slack event", Kind.CAME_IN)
def take_event(
    relay: Relay, body: bytes, *, workspace: str = WORKSPACE, host: str | None = None
) -> Challenge | Outcome:
    """Store what an agent wrote in one of our threads, and return the outcome; a challenge is returned as it is.

    `host` is the name under which Slack reached the relay, None if it never does. Once this returns, the event may be
    acknowledged. Raises `Rejected` for what is not an event, `StoreUnavailable` for what could not be stored.
    """
    event = parse_event(body, relay.identity_in(workspace), workspace=workspace)
    if isinstance(event, Challenge):
        return event
    if isinstance(event, Foreign):
        with relay.store.begin() as tx:
            record_foreign(tx, ACCOUNT, event.key, event.reason)
    if isinstance(event, LooksAtHome):
        _show_home(relay, event)
        return _told(Receipt(Outcome.ACCEPTED))
    if isinstance(event, AgentWords | AgentEdit):
        # The owner of a further workspace's secret must not decide where everybody's links lead.
        known_as = host if workspace == WORKSPACE else None
        return _told(_store(relay, event, storable(body, workspace=workspace), known_as))
    if isinstance(event, Ignored):
        log.debug("event.ignored", reason=event.reason)
    else:
        log.warning("event.ignored", reason=UNINSTALLED)
    return Outcome.IGNORED


@traced("slack interaction", Kind.CAME_IN)
def take_interaction(relay: Relay, body: bytes, *, workspace: str = WORKSPACE) -> Mapping[str, Any] | None:
    """Store the action of a click, or the text of a form; returns the answer to Slack, None for nothing.

    Once this returns, it may be acknowledged. Raises as `take_event` does.
    """
    done = parse_interaction(body, relay.identity_in(workspace), workspace=workspace)
    keep = partial(storable, body, workspace=workspace)
    match done:
        case FormWords():
            return _take_form(relay, done, keep(from_elsewhere=done.comes_from_elsewhere))
        case LooksAtHome():
            _show_home(relay, done)
        case AsksForChats():
            _list_chats(relay, done)
        case FormChoice(view_id, place):
            _at_once(relay, workspace).change_form(view_id, saved_form(place, relay.saved_texts))
        case tuple():
            for each in done:
                _act(relay, each, keep(from_elsewhere=each.comes_from_elsewhere))
    return None


def _store(relay: Relay, event: AgentWords | AgentEdit, body: bytes, host: str | None) -> Receipt:
    wording, rules = relay.wording, relay.reply_rules
    address = reached_at(host) if host is not None and host != relay.known_as else None  # of links for customers

    def work(tx: Tx) -> Receipt:
        if address is not None:
            learn_public_url(tx, address)
        if isinstance(event, AgentWords):
            return accept_reply(tx, agent_message(event, wording), body, account=ACCOUNT, rules=rules)
        return accept_change(tx, agent_change(event, wording), body, account=ACCOUNT, rules=rules)

    receipt = relay.store.write("accept", work)
    if host is not None:
        relay.known_as = host
    relay.on_accept()
    return receipt


def _act(relay: Relay, each: Click, body: bytes) -> None:
    """Store a click on the card, or on a line about a reply; an answered question is removed."""
    action, place = acted_upon(each.action_id, each.value), Place(each.channel, each.thread_ts or each.message_ts)
    told = asked_about(each.block_id) if action == MOVE_TO else each.value
    about = int(told) if action in BUTTONS and ID.fullmatch(told) else None
    workspace = owner_of(each.channel)

    if action == TELL_CUSTOMER and about is not None:
        _at_once(relay, workspace).open_form(each, tell_form(replace(place, about=about)))
        return
    if each.is_shortcut(SAVED_REPLIES):
        _offer_saved(relay, each, place)
        return

    def work(tx: Tx) -> Receipt:
        if action in LABELS or about is not None or each.is_shortcut(SEND_TO_CUSTOMER):
            return accept_click(tx, agent_click(each, about), body, account=ACCOUNT)
        return Receipt(Outcome.IGNORED)

    receipt = relay.store.write("accept", work)
    relay.on_accept()
    if bare(each.channel) == HOME:
        _list_again(relay, each, workspace, about)
    else:
        _answer(relay, each, workspace, receipt)
    log.info("click.stored", action=each.action_id, outcome=receipt.outcome, received=receipt.received)
    _trace(receipt)


def _answer(relay: Relay, each: Click, workspace: str, receipt: Receipt) -> None:
    """Remove the question that was answered; say so if a press or a shortcut can lead to nothing."""
    if each.is_private:
        _at_once(relay, workspace).take_away(each.response_url)
    if receipt.reason == NOT_OURS:
        _at_once(relay, workspace).say(each, NO_CHAT)


def _list_again(relay: Relay, each: Click, workspace: str, retried: int | None) -> None:
    """Show the list of chats in which a reply was sent again, the same page of it, without that."""
    page, elsewhere = page_of(each.block_id), each.comes_from_elsewhere
    if each.is_private:
        url = each.response_url
        _list_chats(relay, AsksForChats(each.team, each.user_id, url, elsewhere, workspace, page, retried))
    else:
        _show_home(relay, LooksAtHome(each.team, each.user_id, page, elsewhere, workspace, retried))


def _list_chats(relay: Relay, asked: AsksForChats) -> None:
    _at_once(relay, asked.workspace).list_chats(asked, partial(home.as_answer, relay, asked))


def _show_home(relay: Relay, look: LooksAtHome) -> None:
    _at_once(relay, look.workspace).show_home(look.user_id, look.team, partial(home.as_view, relay, look))


def _offer_saved(relay: Relay, each: Click, place: Place) -> None:
    """Open the form with the saved replies, if there are any and the thread is a customer's."""
    with relay.store.read() as tx:
        ours = is_ours(tx, place.channel, place.thread_ts)
    at_once = _at_once(relay, owner_of(each.channel))
    if ours and relay.saved_texts:
        at_once.open_form(each, saved_form(place, relay.saved_texts))
    else:
        at_once.say(each, NO_SAVED if ours else NO_CHAT)


def _take_form(relay: Relay, form: FormWords, body: bytes) -> Mapping[str, Any] | None:
    """Store what an agent wrote to the customer; on a refusal the form stays open with the reason."""
    if not form.text.strip():
        return {"response_action": "errors", "errors": {form.field: EMPTY}}
    receipt = relay.store.write("accept", lambda tx: accept_form(tx, agent_form(form), body, account=ACCOUNT))
    relay.on_accept()
    log.info("form.stored", outcome=receipt.outcome, received=receipt.received)
    _trace(receipt)
    if receipt.outcome is Outcome.IGNORED:
        return {"response_action": "errors", "errors": {form.field: NO_CHAT}}
    return None


def _at_once(relay: Relay, workspace: str) -> AtOnce:
    at_once = relay.at_once_in(workspace)
    if at_once is None:
        raise SettingsError("Slack's forms need SLACK_BOT_TOKEN.")
    return at_once


def _told(receipt: Receipt) -> Outcome:
    tell = log.debug if receipt.outcome is Outcome.IGNORED else log.info
    tell("event.stored", outcome=receipt.outcome, received=receipt.received)
    _trace(receipt)
    return receipt.outcome


def _trace(receipt: Receipt) -> None:
    is_about(receipt.received)
    note(outcome=receipt.outcome)
