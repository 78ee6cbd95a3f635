"""The endpoint for Kommunicate's message webhook: check, store, 200. Never answers 200 before the commit."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from flask import Blueprint, Request, Response, current_app, jsonify, request

from relay.errors import Rejected
from relay.failpoints import failpoint
from relay.kommunicate.auth import check_token, has_credentials
from relay.kommunicate.parse import MAX_BODY, parse_webhook
from relay.messages import ChatMessage, Decision, IgnoredMessage
from relay.owners import ACCOUNT
from relay.spans import Kind, is_about, note, traced
from relay.store.intake.webhooks import Inbound, accept_all, reject
from relay.store.operations.retention import cap_rejected
from relay.vocabulary import Outcome, Refusal
from relay.web.errors import is_the_doctors
from relay.wiring import Relay

bp = Blueprint("kommunicate", __name__)
log = structlog.get_logger()

NO_DECISION = Decision(None, Outcome.IGNORED, "")


@bp.post("/kommunicate/webhook")
@bp.post("/message/forward")  # the path in Kommunicate's own documentation
@bp.post("/kommunicate/<account>/webhook")
@traced("webhook", Kind.CAME_IN)
def receive(account: str = ACCOUNT) -> Response:
    """Store one message of an account, and return the outcome."""
    relay: Relay = current_app.extensions["relay"]
    keys = relay.settings.every_account.get(account)
    if keys is None:  # only those who have the token of an account learn which ones exist
        every = relay.settings.every_account.values()
        check_token(dict(request.headers), [token for one in every for token in one.webhook_tokens])
        raise Rejected(404, "unknown_account", "`kommunicate.accounts` names no account of this address.")
    _check_token(relay, keys.webhook_tokens, account)
    body = read_body(request)
    check_json_type(request)
    try:
        message = parse_webhook(body, account=account)
    except Rejected as error:
        keep_rejected(relay, account, body, error)
        raise
    decision, listed = _choose(relay, message), relay.listed(account, message.sender)
    place = (account, message.conversation.group_id)
    receipt = relay.store.write_set("accept", accept_all, Inbound(message, body, decision, listed), place)
    relay.refused.forget(Refusal.TOKEN, account=account)
    relay.on_accept()
    tell = log.debug if receipt.outcome is Outcome.IGNORED else log.info
    tell("webhook.stored", outcome=receipt.outcome, received=receipt.received, rule=decision.rule)
    is_about(receipt.received)
    note(outcome=receipt.outcome)
    reason = {"reason": receipt.reason} if receipt.reason else {}
    response = jsonify({"status": receipt.outcome, **reason})
    response.call_on_close(lambda: failpoint("http.answered"))
    return response


def _check_token(relay: Relay, tokens: Sequence[str], account: str) -> None:
    """Raise 401; a wrong token is counted, because Kommunicate would not show it to anybody."""
    headers = dict(request.headers)
    try:
        check_token(headers, tokens)
    except Rejected:
        if has_credentials(headers):
            count_refused(relay, Refusal.TOKEN, account)
        raise


def count_refused(relay: Relay, why: Refusal, account: str = ACCOUNT) -> None:
    """Remember that something was refused, unless it was the relay's own doctor who asked."""
    if not is_the_doctors():
        relay.refused.note(why, account)


def _choose(relay: Relay, message: ChatMessage | IgnoredMessage) -> Decision:
    if not isinstance(message, ChatMessage):
        return NO_DECISION
    return relay.choose(message)


def read_body(incoming: Request, most: int = MAX_BODY) -> bytes:
    """The body, at most `most` bytes of it; more is a 413, whatever length was declared."""
    declared = incoming.content_length
    body = b"" if declared is not None and declared > most else incoming.stream.read(most + 1)
    if len(body) > most or (declared is not None and declared > most):
        raise Rejected(413, "too_large", f"The body is larger than {most:,} bytes.")
    return body


def check_json_type(incoming: Request) -> None:
    """Raise 415 unless the body is declared as plain JSON."""
    if incoming.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Rejected(415, "unsupported_media_type", "Send the body without Content-Encoding.")
    if incoming.mimetype != "application/json":
        raise Rejected(415, "unsupported_media_type", "Send Content-Type: application/json.")


def keep_rejected(relay: Relay, account: str, body: bytes, error: Rejected) -> None:
    """Store a body with wrong fields, for `relay deliveries list --rejected`; a body that is not JSON is not stored."""
    if error.status == 422:
        with relay.store.begin() as tx:
            reject(tx, account, body, f"{error.code}: {error}")
            if relay.rejected.is_due(len(body)):
                cap_rejected(tx)
