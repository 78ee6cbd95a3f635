"""The endpoints for Slack's events and clicks: check the signature, store, 200. Slack waits three seconds."""

from __future__ import annotations

import re

import structlog
from flask import Blueprint, Response, current_app, jsonify, request

from relay.failpoints import failpoint
from relay.messages import Agent, Ignored
from relay.routing.speaking import may_speak
from relay.slack.auth import check_signature
from relay.slack.card import LABELS, acted_upon
from relay.slack.events import AgentEdit, AgentWords, Challenge, Click, Foreign
from relay.slack.parse import agent_change, agent_click, agent_message, parse_event, parse_interaction, storable
from relay.slack.thread_notices import SEND_AGAIN, SEND_CORRECTION
from relay.store.conversations.people import known_agents
from relay.store.conversations.replies import send_again
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.intake.clicks import accept_click, note_click
from relay.store.intake.edits import accept_change, send_correction
from relay.store.intake.recording import record_foreign
from relay.store.intake.replies import accept_reply
from relay.vocabulary import Outcome
from relay.web.kommunicate import ACCOUNT, read_body
from relay.wiring import Relay

bp = Blueprint("slack", __name__)
ID = re.compile(r"[0-9]{1,18}", re.ASCII)
UNINSTALLED = "the app was uninstalled, or its token revoked"
AT_ONCE = {SEND_AGAIN: send_again, SEND_CORRECTION: send_correction}
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
    if isinstance(event, AgentWords | AgentEdit):
        return _told(_store(relay, event, storable(body)))
    log.info("event.ignored", reason=event.reason if isinstance(event, Ignored) else UNINSTALLED)
    return _told(Receipt(Outcome.IGNORED))


@bp.post("/slack/interactions")
def click() -> Response:
    """Store what a click asks for; a click on a message that is not ours is ignored with 200."""
    relay: Relay = current_app.extensions["relay"]
    body = _signed_body(relay)
    clicks = parse_interaction(body, relay.identity)
    if not isinstance(clicks, Ignored):
        for each in clicks:
            _act(relay, each, storable(body))
    response = Response(status=200)
    response.call_on_close(lambda: failpoint("http.answered"))
    return response


def _signed_body(relay: Relay) -> bytes:
    body = read_body(request)
    check_signature(dict(request.headers), body, relay.settings.slack_signing_secrets, relay.clock.now())
    return body


def _store(relay: Relay, event: AgentWords | AgentEdit, body: bytes) -> Receipt:
    config = relay.settings.config.replies

    def work(tx: Tx) -> Receipt:
        if isinstance(event, AgentWords):
            message = agent_message(event, config.note_prefixes)
            return accept_reply(tx, message, body, account=ACCOUNT, undo=config.undo_seconds)
        return accept_change(tx, agent_change(event, config.note_prefixes), body, account=ACCOUNT)

    receipt = relay.store.write("accept", work)
    relay.on_accept()
    return receipt


def _act(relay: Relay, each: Click, body: bytes) -> None:
    """Store a click, and do at once what needs nothing but the store."""
    action = acted_upon(each.action_id, each.value)

    def work(tx: Tx) -> Receipt:
        if action in LABELS:
            return accept_click(tx, agent_click(each), body, account=ACCOUNT)
        if action not in AT_ONCE or not ID.fullmatch(each.value) or _is_barred(tx, relay, each):
            return Receipt(Outcome.IGNORED)
        receipt = note_click(tx, agent_click(each), body, account=ACCOUNT)
        if receipt.outcome is Outcome.ACCEPTED:
            AT_ONCE[action](tx, int(each.value))
        return receipt

    receipt = relay.store.write("accept", work)
    relay.on_accept()
    log.info("click.stored", action=each.action_id, outcome=receipt.outcome, received=receipt.received_id)


def _is_barred(tx: Tx, relay: Relay, each: Click) -> bool:
    """True for whoever must not speak to customers, as far as it is known: nobody is looked up here."""
    known = known_agents(tx, each.team, [each.user_id]).get(each.user_id)
    if known is None and not each.comes_from_elsewhere:
        return False
    agent = known[0] if known else Agent(each.user_id, each.user_name, "")
    rules = relay.settings.config.replies
    barred = may_speak(agent, rules, comes_from_elsewhere=each.comes_from_elsewhere)
    if barred:
        log.info("click.refused", action=each.action_id, user=each.user_id, cause=barred)
    return barred is not None


def _told(receipt: Receipt) -> Response:
    log.info("event.stored", outcome=receipt.outcome, received=receipt.received_id)
    response = jsonify({"status": receipt.outcome})
    response.call_on_close(lambda: failpoint("http.answered"))
    return response
