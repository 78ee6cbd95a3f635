"""The endpoints for Slack's events and clicks: check the signature, store, 200. Slack waits three seconds."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import structlog
from flask import Blueprint, Response, current_app, jsonify, request

from relay.delivery.at_once import AtOnce
from relay.errors import SettingsError
from relay.failpoints import failpoint
from relay.messages import Ignored
from relay.slack.auth import check_signature
from relay.slack.body import storable
from relay.slack.card import LABELS, acted_upon
from relay.slack.events import (
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
from relay.slack.interactions import agent_click, agent_form, parse_interaction
from relay.slack.parse import agent_change, agent_message, parse_event
from relay.slack.thread_notices import BUTTONS, MOVE_TO, SEND_TO_CUSTOMER, TELL_CUSTOMER
from relay.store.conversations.kept_files import learn_public_url
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.intake.clicks import accept_click
from relay.store.intake.edits import accept_change
from relay.store.intake.forms import accept_form, is_ours
from relay.store.intake.recording import record_foreign
from relay.store.intake.replies import accept_reply
from relay.vocabulary import Outcome
from relay.web import home
from relay.web.files import reached_at
from relay.web.kommunicate import ACCOUNT, read_body
from relay.wiring import Relay

bp = Blueprint("slack", __name__)
ID = re.compile(r"[0-9]{1,18}", re.ASCII)
NO_CHAT = "This message is not in a customer's thread."
NO_SAVED = "There are no saved replies yet: `saved_replies` in the relay's settings holds them."
UNINSTALLED = "the app was uninstalled, or its token revoked"
log = structlog.get_logger()


@bp.post("/slack/events")
def receive() -> Response:
    """Store what an agent wrote in a thread of ours; everything else is ignored with 200."""
    relay: Relay = current_app.extensions["relay"]
    body = _signed_body(relay)
    event = parse_event(body, relay.identity)
    if isinstance(event, Challenge):
        return jsonify({"challenge": event.value})
    if isinstance(event, Foreign):
        with relay.store.begin() as tx:
            record_foreign(tx, ACCOUNT, event.key, event.reason)
    if isinstance(event, LooksAtHome):
        _show_home(relay, event)
        return _told(Receipt(Outcome.ACCEPTED))
    if isinstance(event, AgentWords | AgentEdit):
        return _told(_store(relay, event, storable(body)))
    log.info("event.ignored", reason=event.reason if isinstance(event, Ignored) else UNINSTALLED)
    return _told(Receipt(Outcome.IGNORED))


@bp.post("/slack/interactions")
def click() -> Response:
    """Store what a click asks for, or what a form says; what is not about a message of ours is ignored with 200."""
    relay: Relay = current_app.extensions["relay"]
    body = _signed_body(relay)
    done = parse_interaction(body, relay.identity)
    response = Response(status=200)
    match done:
        case FormWords():
            response = _take_form(relay, done, storable(body, from_elsewhere=done.comes_from_elsewhere))
        case LooksAtHome():
            _show_home(relay, done)
        case AsksForChats():
            _at_once(relay).list_chats(done, partial(home.as_answer, relay, done))
        case FormChoice(view_id, place):
            _at_once(relay).change_form(view_id, saved_form(place, relay.saved_texts))
        case tuple():
            for each in done:
                _act(relay, each, storable(body, from_elsewhere=each.comes_from_elsewhere))
    response.call_on_close(lambda: failpoint("http.answered"))
    return response


def _signed_body(relay: Relay) -> bytes:
    body = read_body(request)
    check_signature(dict(request.headers), body, relay.settings.slack_signing_secrets, relay.clock.now())
    return body


def _store(relay: Relay, event: AgentWords | AgentEdit, body: bytes) -> Receipt:
    wording, rules = relay.wording, relay.reply_rules
    host = request.host
    address = reached_at(host) if host != relay.known_as else None  # links for customers begin with it

    def work(tx: Tx) -> Receipt:
        if address is not None:
            learn_public_url(tx, address)
        if isinstance(event, AgentWords):
            return accept_reply(tx, agent_message(event, wording), body, account=ACCOUNT, rules=rules)
        return accept_change(tx, agent_change(event, wording), body, account=ACCOUNT, rules=rules)

    receipt = relay.store.write("accept", work)
    relay.known_as = host
    relay.on_accept()
    return receipt


def _act(relay: Relay, each: Click, body: bytes) -> None:
    """Store a click on the card, or on a line that tells of a reply; a question that is answered is taken away."""
    action, place = acted_upon(each.action_id, each.value), Place(each.channel, each.thread_ts or each.message_ts)
    told = each.block_id if action == MOVE_TO else each.value
    about = int(told) if action in BUTTONS and ID.fullmatch(told) else None

    if action == TELL_CUSTOMER and about is not None:
        _at_once(relay).open_form(each.trigger_id, tell_form(replace(place, about=about)))
        return
    if each.is_shortcut(SAVED_REPLIES):
        _offer_saved(relay, each, place)
        return

    def work(tx: Tx) -> Receipt:
        if action in LABELS or about is not None or each.is_shortcut(SEND_TO_CUSTOMER):
            return accept_click(tx, replace(agent_click(each), about=about), body, account=ACCOUNT)
        return Receipt(Outcome.IGNORED)

    receipt = relay.store.write("accept", work)
    relay.on_accept()
    if each.response_url:
        _at_once(relay).take_away(each.response_url)
    log.info("click.stored", action=each.action_id, outcome=receipt.outcome, received=receipt.received_id)


def _show_home(relay: Relay, look: LooksAtHome) -> None:
    _at_once(relay).show_home(look.user_id, look.team, partial(home.as_view, relay, look))


def _offer_saved(relay: Relay, each: Click, place: Place) -> None:
    """Open the form with the saved replies, where there are any and the thread is a customer's."""
    with relay.store.read() as tx:
        ours = is_ours(tx, place.channel, place.thread_ts)
    if ours and relay.saved_texts:
        _at_once(relay).open_form(each.trigger_id, saved_form(place, relay.saved_texts))
    else:
        why = NO_SAVED if ours else NO_CHAT
        _at_once(relay).say(each.channel, each.user_id, why, thread_ts=each.thread_ts)


def _take_form(relay: Relay, form: FormWords, body: bytes) -> Response:
    """Store what an agent wrote to the customer; the form stays open with the reason where that cannot be."""
    if not form.text.strip():
        return jsonify({"response_action": "errors", "errors": {form.field: EMPTY}})
    receipt = relay.store.write("accept", lambda tx: accept_form(tx, agent_form(form), body, account=ACCOUNT))
    relay.on_accept()
    log.info("form.stored", outcome=receipt.outcome, received=receipt.received_id)
    if receipt.outcome is Outcome.IGNORED:
        return jsonify({"response_action": "errors", "errors": {form.field: NO_CHAT}})
    return Response(status=200)


def _at_once(relay: Relay) -> AtOnce:
    if relay.at_once is None:
        raise SettingsError("Slack's forms need SLACK_BOT_TOKEN.")
    return relay.at_once


def _told(receipt: Receipt) -> Response:
    log.info("event.stored", outcome=receipt.outcome, received=receipt.received_id)
    response = jsonify({"status": receipt.outcome})
    response.call_on_close(lambda: failpoint("http.answered"))
    return response
