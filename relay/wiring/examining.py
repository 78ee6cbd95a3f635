"""The doctor: for its command, and for a relay that starts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import structlog

from relay.clock import Clock, SystemClock
from relay.doctor import AT_START, Check, Setup
from relay.doctor.examine import again, examine_each, in_order
from relay.findings import Finding
from relay.kommunicate.client import KommunicateClient
from relay.settings import Settings, environment
from relay.slack.setup import SlackSetup
from relay.store.db.engine import Store
from relay.wiring.relay import Relay

AGAIN = 300.0  # seconds until a faulty setup is examined again
# Nothing that helps a stranger to get in, or to read files.
UNTOLD = ("secret_short", "secret_readable", "database_readable")

log = structlog.get_logger()


def build_setup(
    settings: Settings,
    store: Store,
    env: Mapping[str, str],
    cwd: Path,
    clock: Clock | None = None,
    *,
    channel_ids: dict[str, str] | None = None,
) -> Setup:
    """What the doctor examines; raises SettingsError for an impossible token or key.

    `channel_ids` gets the ids of the channels that the configuration names.
    """
    token, key = settings.slack_bot_token, settings.kommunicate_api_key
    return Setup(
        settings=settings,
        env=env,
        cwd=cwd,
        store=store,
        clock=clock or SystemClock(),
        slack=SlackSetup(token, settings.slack_api_url) if token else None,
        kommunicate=KommunicateClient(key, settings.kommunicate_api_url) if key else None,
        other_slacks={
            name: SlackSetup(keys.bot_token, keys.api_url, name, variable=settings.bot_variable(name))
            for name, keys in settings.workspaces.items()
            if keys.bot_token
        },
        other_accounts={
            name: KommunicateClient(keys.api_key, keys.api_url)
            for name, keys in settings.accounts.items()
            if keys.api_key
        },
        channel_ids={} if channel_ids is None else channel_ids,
    )


def examine_from_now_on(relay: Relay, cwd: Path) -> None:
    """Examine the setup in the background, and again while something is wrong with it.

    Findings are in `relay.findings`; new ones are logged, one line each.
    """

    def look() -> None:
        checks: Mapping[str, Check] = AT_START
        store, env = relay.store.share(1), environment(cwd)
        while checks:
            setup = build_setup(relay.settings, store, env, cwd, relay.clock, channel_ids=relay.channel_ids)
            each = examine_each(setup, checks)
            found = tuple(one for one in in_order(chain(*each.values())) if one.level != "info")
            if relay.closing.is_set():
                return
            tell(found, besides=relay.findings)
            relay.findings = found
            checks = again(each, checks)
            if checks and relay.closing.wait(AGAIN):
                return

    threading.Thread(target=look, name="doctor", daemon=True).start()


def tell(found: tuple[Finding, ...], *, besides: tuple[Finding, ...]) -> None:
    """Log what is wrong, one line each, except for what was logged already."""
    before = {(one.code, one.where) for one in besides}
    for one in found:
        if (one.code, one.where) not in before:
            write = log.error if one.level == "error" else log.warning
            write("setup.wrong", code=one.code, about=one.where, message=one.message, hint=one.hint)
    if besides and not found:
        log.info("setup.mended")


def codes_for_strangers(relay: Relay) -> list[str]:
    """The codes of what is wrong with the setup, for anybody who asks."""
    return [one.code for one in relay.findings if one.code not in UNTOLD]
