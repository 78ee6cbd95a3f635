"""One line in the alerts channel for every channel that waits for a person."""

from __future__ import annotations

import uuid

import structlog

from relay.delivery.context import DeliveryContext
from relay.errors import DeliveryFailed, RateLimited, Unsure
from relay.slack.alert import render_alert
from relay.store.operations.alerts import Alert, put_back, take_alert
from relay.store.queue import gates

log = structlog.get_logger()


def post_alerts(out: DeliveryContext) -> None:
    """Post what nobody was told of yet, as far as the alerts channel takes posts; the rest waits for the next call.

    The alerts channel's own trouble stays in the log and in `relay deliveries list --waiting`.
    """
    channel = _channel(out)
    while channel is not None:
        with out.store.begin() as tx:
            alert = take_alert(tx, besides=channel)
            if alert is None:
                return
            if gates.take_slot(tx, channel, out.pace) is not None:
                put_back(tx, alert)
                return
        if not _told(out, channel, alert):
            return


def _channel(out: DeliveryContext) -> str | None:
    """The alerts channel's id; None where there is none, or where Slack does not find it now."""
    name = out.alerts_channel
    if name is None or not name.startswith("#"):
        return name
    if name not in out.channel_ids:
        try:
            out.channel_ids[name] = out.slack.find_channel(name)
        except DeliveryFailed as error:
            log.warning("alerts.no_channel", channel=name, code=error.code)
            return None
    return out.channel_ids[name]


def _told(out: DeliveryContext, channel: str, alert: Alert) -> bool:
    payload = render_alert(alert.channel, alert.cause).payload()
    try:
        out.slack.post(channel, payload, thread_ts=None, send_id=uuid.uuid4().hex)
    except Unsure as error:
        log.warning("alert.unsure", channel=alert.channel, code=error.code)
    except DeliveryFailed as error:
        log.warning("alert.failed", channel=alert.channel, code=error.code)
        with out.store.begin() as tx:
            put_back(tx, alert)
            if isinstance(error, RateLimited):
                gates.close_for_rate_limit(tx, "channel", channel, error.retry_after, pace=out.pace, code=error.code)
        return False
    else:
        log.info("alert.told", channel=alert.channel)
    return True
