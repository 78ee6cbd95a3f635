"""The endpoints for Slack's events and clicks: check the signature, store, 200. Slack waits three seconds."""

from __future__ import annotations

import re
from dataclasses import replace

import structlog
from flask import Blueprint, Response, current_app, jsonify, request

from relay.failpoints import failpoint
from relay.messages import Ignored
from relay.slack.auth import check_signature
from relay.slack.card import LABELS, acted_upon
from relay.slack.events import AgentEdit, AgentWords, Challenge, Click, Foreign
from relay.slack.parse import agent_change, agent_click, agent_message, parse_event, parse_interaction, storable
from relay.slack.thread_notices import BUTTONS, SEND_TO_CUSTOMER
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.intake.clicks import accept_click
from relay.store.intake.edits import accept_change
from relay.store.intake.recording import record_foreign
from relay.store.intake.replies import accept_reply
from relay.vocabulary import Outcome
from relay.web.kommunicate import ACCOUNT, read_body
from relay.wiring import Relay

bp = Blueprint("slack", __name__)
ID = re.compile(r"[0-9]{1,18}", re.ASCII)
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
    wording, rules = relay.wording, relay.reply_rules

    def work(tx: Tx) -> Receipt:
        if isinstance(event, AgentWords):
            return accept_reply(tx, agent_message(event, wording), body, account=ACCOUNT, rules=rules)
        return accept_change(tx, agent_change(event, wording), body, account=ACCOUNT, rules=rules)

    receipt = relay.store.write("accept", work)
    relay.on_accept()
    return receipt


def _act(relay: Relay, each: Click, body: bytes) -> None:
    """Store a click on the card, or on a line that tells of a reply; a question that is answered is taken away."""
    action = acted_upon(each.action_id, each.value)
    about = int(each.value) if action in BUTTONS and ID.fullmatch(each.value) else None

    def work(tx: Tx) -> Receipt:
        if action in LABELS or about is not None or each.is_shortcut(SEND_TO_CUSTOMER):
            return accept_click(tx, replace(agent_click(each), about=about), body, account=ACCOUNT)
        return Receipt(Outcome.IGNORED)

    receipt = relay.store.write("accept", work)
    relay.on_accept()
    if each.response_url and relay.at_once:
        relay.at_once.take_away(each.response_url)
    log.info("click.stored", action=each.action_id, outcome=receipt.outcome, received=receipt.received_id)


def _told(receipt: Receipt) -> Response:
    log.info("event.stored", outcome=receipt.outcome, received=receipt.received_id)
    response = jsonify({"status": receipt.outcome})
    response.call_on_close(lambda: failpoint("http.answered"))
    return response
