"""Socket Mode: what Slack sends on a connection that the relay opened is handled like what it sends over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import Rejected, StoreUnavailable
from relay.failpoints import failpoint
from relay.inbound.slack import take_event, take_interaction
from relay.inbound.whose import workspace_of
from relay.owners import WORKSPACE
from relay.slack.envelopes import Envelope, EnvelopeKind, read_envelope
from relay.wiring import Relay

if TYPE_CHECKING:
    from relay.slack.socket_mode import Acknowledge

log = structlog.get_logger()


@contextmanager
def socket_mode(relay: Relay) -> Iterator[None]:
    """For each app that has a token for it, a connection to Slack, for as long as this is entered."""
    apps = relay.settings.socket_apps
    if not apps:
        yield
        return
    from relay.slack.socket_mode import SocketMode  # here and not above: who has an address needs none of it

    with ExitStack() as connected:
        for app in apps:
            taking = partial(take, relay, workspaces=app.workspaces, others=app.others)
            connected.enter_context(SocketMode(app.token, app.api_url, taking, variable=app.variable))
        yield


def take(
    relay: Relay,
    message: Mapping[str, Any],
    acknowledge: Acknowledge,
    *,
    workspaces: Sequence[str] = (WORKSPACE,),
    others: Sequence[str] = (),
) -> None:
    """Store what is in a message of Slack's to the app of these workspaces, or of `others`, then acknowledge it.

    What cannot be stored is not acknowledged, whatever the reason: Slack sends it again.
    """
    try:
        envelope = read_envelope(message)
        if envelope is None:
            return
        answer = _take(relay, envelope, workspaces, others)
    except Rejected as error:
        log.warning("request.rejected", status=error.status, code=error.code)
    except StoreUnavailable as error:
        log.error("store.unavailable", cause=str(error))
    except Exception as error:  # noqa: BLE001 - the connection lives on
        log.error("socket.failed", error=type(error).__name__)  # the message may quote what a person wrote
    else:
        acknowledge(envelope.id, answer if envelope.takes_answer else None)
        failpoint("http.answered")


def _take(
    relay: Relay, envelope: Envelope, workspaces: Sequence[str], others: Sequence[str]
) -> Mapping[str, Any] | None:
    if envelope.kind is None:
        return None
    workspace = workspace_of(relay, workspaces, envelope.body, others)
    if envelope.kind is EnvelopeKind.EVENT:
        take_event(relay, envelope.body, workspace=workspace)
        return None
    return take_interaction(relay, envelope.body, workspace=workspace)
