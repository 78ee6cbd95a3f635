"""Were requests refused that look like Kommunicate's or Slack's? That is how a wrong secret shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relay.doctor.setup import Setup
from relay.doctor.told import ago, counted
from relay.findings import Finding
from relay.owners import ACCOUNT, WORKSPACE
from relay.store.db.engine import Tx
from relay.store.operations.alerts import LATELY
from relay.store.operations.health import last_received
from relay.store.operations.refused import Refused, refused
from relay.vocabulary import Refusal, Source


@dataclass(frozen=True, slots=True)
class Kind:
    """The words for one kind of refusal: what arrived and from whom, why, and what to do."""

    code: str
    one: str
    many: str
    source: Source
    why: str
    hint: str


KINDS = {
    Refusal.TOKEN: Kind(
        "webhook_refused",
        "webhook was",
        "webhooks were",
        Source.KOMMUNICATE,
        "with a token other than the relay's",
        "Put the same token into {where} and into Kommunicate under Settings, Webhooks & Security.",
    ),
    Refusal.SIGNATURE: Kind(
        "slack_refused",
        "request from Slack was",
        "requests from Slack were",
        Source.SLACK,
        "signed with a secret other than the relay's",
        "Copy it again from Slack's app settings, Basic Information, App Credentials, and restart the relay.",
    ),
    Refusal.TIME: Kind(
        "slack_refused_time",
        "request from Slack was",
        "requests from Slack were",
        Source.SLACK,
        "signed at a time more than five minutes from this machine's",
        "Synchronise the clock: `timedatectl set-ntp true`, or the host's time service.",
    ),
}


def look(setup: Setup) -> Iterator[Finding]:
    """What was refused since a request was last accepted."""
    with setup.store.read() as tx:
        now = tx.now
        named = [one for one in refused(tx) if one.account in setup.settings.every_account]
        found = [one for one in named if not _is_over(tx, setup, one)]
    for one in found:
        kind, since, last = KINDS[one.why], ago(max(1.0, now - one.first)), ago(max(1.0, now - one.last))
        count = counted(one.count, kind.one, kind.many)
        whose = "" if one.account == ACCOUNT else f" (account {one.account})"
        message = f"{count} refused in the last {since}, {kind.why}{whose}; the last {last} ago."
        where = _where(setup, one)
        yield Finding(kind.code, "error", message, kind.hint.replace("{where}", where), where)


def _is_over(tx: Tx, setup: Setup, one: Refused) -> bool:
    """An account's refusals end when one of its requests is accepted; Slack's may end only with time."""
    is_token = one.why is Refusal.TOKEN
    if not is_token and setup.settings.refusals_age:
        return one.last < tx.now - LATELY
    return (last_received(tx, KINDS[one.why].source, one.account if is_token else None) or 0.0) >= one.last


def _where(setup: Setup, one: Refused) -> str:
    """The variable to check, "" if there is none or it is unknown."""
    if one.why is Refusal.TOKEN:
        return setup.settings.token_variable(one.account)
    return "SLACK_SIGNING_SECRET" if one.why is Refusal.SIGNATURE and setup.settings.signing == (WORKSPACE,) else ""
