"""Socket Mode: what Slack sends on a connection that the relay opened is handled like what it sends over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import Rejected, StoreUnavailable
from relay.failpoints import failpoint
from relay.inbound.slack import take_event, take_interaction
from relay.slack.envelopes import Envelope, EnvelopeKind, read_envelope
from relay.wiring import Relay

if TYPE_CHECKING:
    from relay.slack.socket_mode import Acknowledge

log = structlog.get_logger()


def socket_mode(relay: Relay) -> AbstractContextManager[object]:
    """A connection to Slack while this is entered, if there is a token for it."""
    if relay.settings.slack_app_token is None:
        return nullcontext()
    from relay.slack.socket_mode import SocketMode  # imported here: a relay with an address does not need it

    return SocketMode(relay.settings.slack_app_token, relay.settings.slack_api_url, partial(take, relay))


def take(relay: Relay, message: Mapping[str, Any], acknowledge: Acknowledge) -> None:
    """Store the contents of a Slack message, then acknowledge it.

    What cannot be stored is not acknowledged, whatever the reason: Slack sends it again.
    """
    try:
        envelope = read_envelope(message)
        if envelope is None:
            return
        answer = _take(relay, envelope)
    except Rejected as error:
        log.warning("request.rejected", status=error.status, code=error.code)
    except StoreUnavailable as error:
        log.error("store.unavailable", cause=str(error))
    except Exception as error:  # noqa: BLE001 - the connection lives on
        log.error("socket.failed", error=type(error).__name__)  # the message may quote what a person wrote
    else:
        acknowledge(envelope.id, answer if envelope.takes_answer else None)
        failpoint("http.answered")


def _take(relay: Relay, envelope: Envelope) -> Mapping[str, Any] | None:
    match envelope.kind:
        case EnvelopeKind.EVENT:
            take_event(relay, envelope.body)
        case EnvelopeKind.INTERACTION | EnvelopeKind.COMMAND:
            return take_interaction(relay, envelope.body)
    return None
