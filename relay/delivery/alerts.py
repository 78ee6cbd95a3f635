"""One post in the alerts channel for everything new that waits for a person, and everything that is over."""

from __future__ import annotations

import uuid

import structlog

from relay.delivery.context import DeliveryContext
from relay.delivery.gates import close_gate
from relay.errors import DeliveryFailed, HistoryUnreadable, RateLimited, Unsure
from relay.failpoints import failpoint
from relay.owners import is_named, owner_of
from relay.slack.alert import render_alerts
from relay.store.operations.alerts import News, confirm, put_back, take_news, take_unconfirmed
from relay.store.queue.gates import take_slot

UNCONFIRMED = 60.0  # seconds after which nobody can still be posting: a call takes no longer than its deadline

log = structlog.get_logger()


def post_alerts(context: DeliveryContext) -> None:
    """Post what was not reported yet, if the alerts channel accepts posts; otherwise it waits for the next call.

    The alerts channel's own trouble stays in the log and in `relay deliveries list --waiting`.
    """
    channel = _channel(context)
    if channel is None:
        return
    _find_out(context, channel)
    with context.store.begin() as tx:
        lag, age, accounts = context.alerts_lag, context.refusals_age, context.accounts
        news = take_news(tx, uuid.uuid4().hex, lag=lag, besides=channel, accounts=accounts, refusals_age=age)
        if news is not None and take_slot(tx, channel, context.limits) is not None:
            put_back(tx, news)
            news = None
    if news is not None:
        _post(context, channel, news)


def _channel(context: DeliveryContext) -> str | None:
    """The alerts channel's id; None if there is none, or if Slack cannot find it now."""
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


def _find_out(context: DeliveryContext, channel: str) -> None:
    """Check for an alert whose process died, or that Slack did not answer; if it is not there, it is posted again.

    If the history may not be read, it counts as posted: nobody is told twice.
    """
    with context.store.begin() as tx:
        news = take_unconfirmed(tx, max(UNCONFIRMED, 2 * context.lease))
    if news is None:
        return
    try:
        is_there = bool(context.slack_at(channel).find_posted(channel, news.id, thread_ts=None, oldest=None))
    except HistoryUnreadable as error:
        log.warning("alert.unsure", code=error.code)
        is_there = True
    except DeliveryFailed as error:
        log.warning("alert.not_found_out", code=error.code)
        return
    if is_there:
        _confirm(context, news)
    else:
        _post(context, channel, news)


def _post(context: DeliveryContext, channel: str, news: News) -> None:
    failpoint("alert.ready")
    try:
        payload = render_alerts(news.alerts, here=owner_of(channel)).payload()
        context.slack_at(channel).post(channel, payload, thread_ts=None, send_id=news.id)
    except Unsure as error:
        log.warning("alert.unsure", code=error.code)
    except DeliveryFailed as error:
        log.warning("alert.failed", code=error.code)
        with context.store.begin() as tx:
            put_back(tx, news)
            if isinstance(error, RateLimited):
                close_gate(tx, context, error, channel=channel)
    else:
        failpoint("alert.posted")
        _confirm(context, news)


def _confirm(context: DeliveryContext, news: News) -> None:
    with context.store.begin() as tx:
        confirm(tx, news)
    for one in news.alerts:
        log.info("alert.told", kind=one.kind, name=one.name, over=one.over)
