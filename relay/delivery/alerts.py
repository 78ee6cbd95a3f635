"""One line in the alerts channel for everything that waits for a person."""

from __future__ import annotations

import uuid

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.failures import close_gate
from relay.errors import DeliveryFailed, RateLimited, Unsure
from relay.owners import is_named, owner_of
from relay.slack.alert import render_alert
from relay.store.operations.alerts import Alert, put_back, take_alert
from relay.store.queue.gates import take_slot

log = structlog.get_logger()


def post_alerts(context: DeliveryContext) -> None:
    """Post what nobody was told of yet, as far as the alerts channel takes posts; the rest waits for the next call.

    The alerts channel's own trouble stays in the log and in `relay deliveries list --waiting`.
    """
    channel = _channel(context)
    while channel is not None:
        with context.store.begin() as tx:
            alert = take_alert(tx, besides=channel)
            if alert is None:
                return
            if take_slot(tx, channel, context.limits) is not None:
                put_back(tx, alert)
                return
        if not _told(context, channel, alert):
            return


def _channel(context: DeliveryContext) -> str | None:
    """The alerts channel's id; None where there is none, or where Slack does not find it now."""
    name = context.alerts_channel
    if name is None or not is_named(name):
        return name
    if name not in context.channel_ids:
        try:
            context.find_channel(name)
        except DeliveryFailed as error:
            log.warning("alerts.no_channel", channel=name, code=error.code)
            return None
    return context.channel_ids[name]


def _told(context: DeliveryContext, channel: str, alert: Alert) -> bool:
    try:
        payload = render_alert(alert.scope, alert.name, alert.cause, here=owner_of(channel)).payload()
        context.slack_at(channel).post(channel, payload, thread_ts=None, send_id=uuid.uuid4().hex)
    except Unsure as error:
        log.warning("alert.unsure", scope=alert.scope, name=alert.name, code=error.code)
    except DeliveryFailed as error:
        log.warning("alert.failed", scope=alert.scope, name=alert.name, code=error.code)
        with context.store.begin() as tx:
            put_back(tx, alert)
            if isinstance(error, RateLimited):
                close_gate(tx, context, error, channel=channel)
        return False
    else:
        log.info("alert.told", scope=alert.scope, name=alert.name)
    return True
