"""Forty things that can be wrong, one at a time: `relay doctor` names each first, and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from relay.settings import VARIABLES
from relay.store.db.engine import Store, open_store
from relay.store.operations.refused import refused
from relay.store.queue.closing import close_for_operator
from relay.vocabulary import GateScope
from tests.doctor.conftest import SECRETS, WEBHOOK, Bench
from tests.harness import body, free_port, wait_for
from tests.reference.codes import finding_codes
from tests.sampling import sampled
from tests.store.shelf import UNMAPPED, take_in

Break = Callable[[Bench], object]


def env(**changes: str) -> Break:
    """Other variables."""
    return lambda bench: bench.env.update(changes)


def without(*names: str) -> Break:
    def unset(bench: Bench) -> None:
        bench.unset |= set(names)

    return unset


def slack_says(method: str, kind: str, **parameters: object) -> Break:
    return lambda bench: bench.sandbox.faults.add(method, kind, times=None, **parameters)


def lacks(*scopes: str) -> Break:
    def take_away(bench: Bench) -> None:
        bench.sandbox.slack.scopes -= set(scopes)

    return take_away


def both(*breaks: Break) -> Break:
    return lambda bench: [one(bench) for one in breaks]


def file(name: str, content: str, mode: int) -> Break:
    def write(bench: Bench) -> None:
        (bench.folder / name).write_text(content)
        (bench.folder / name).chmod(mode)

    return write


def database_mode(bench: Bench) -> None:
    bench.own_database()
    (bench.folder / "own.db").chmod(0o644)


def stored(work: Callable[[Store], object]) -> Break:
    """Something that the database knows of."""
    return lambda bench: work(bench.own_database())


def execute(*statements: str) -> Callable[[Store], None]:
    def run(store: Store) -> None:
        take_in(store)
        with store.begin() as tx:
            for statement in statements:
                tx.conn.execute(text(statement))

    return run


def pause(store: Store) -> None:
    with store.begin() as tx:
        cause = "Slack answered chat.postMessage with restricted_action: a workspace setting keeps the app from posting"
        close_for_operator(tx, GateScope.CHANNEL, "C0SUPPORT", cause=cause, code="restricted_action")


def clock_ahead(bench: Bench) -> None:
    """Slack's is an hour behind: ours is ahead."""
    true = bench.sandbox.core.now
    bench.sandbox.core.now = lambda: true() - 3600


def fronted(**how: object) -> Break:
    return lambda bench: bench.env.update(RELAY_PUBLIC_URL=bench.front(**how))


def other_signing_secret_in_slack(bench: Bench) -> None:
    """Slack signs with another secret than the relay has; nobody is told."""
    bench.sandbox.slack.sender.signing_secret = "6" * 32
    bench.sandbox.slack.human_writes("C0SUPPORT", "hello")
    was_refused(bench, "C0SUPPORT")


def other_token_in_kommunicate(bench: Bench) -> None:
    assert bench.relay.post(body("k9"), token="the-token-of-another-relay").status_code == 401
    was_refused(bench)


def was_refused(bench: Bench, *_: str) -> None:
    with closing(open_store(bench.env["DATABASE_URL"])) as store:

        def is_known() -> bool:
            with store.read() as tx:
                return bool(refused(tx))

        assert wait_for(is_known)


NOWHERE = "http://127.0.0.1:9"
HTML = (200, "<html>parked</html>")

FAULTS: dict[str, tuple[Break, str]] = {
    "SLACK_BOT_TOKEN unset": (without("SLACK_BOT_TOKEN"), "missing"),
    "a person's token": (env(SLACK_BOT_TOKEN="xoxp-1"), "wrong_token"),
    "a key of the YAML file misspelt": (env(RELAY_CONFIG_YAML="defualt_channel: C0GENERAL"), "unknown_key"),
    "no YAML file": (without("RELAY_CONFIG_YAML"), "config_missing"),
    "PostgreSQL is not running": (env(DATABASE_URL="postgresql://u:pw-secret@127.0.0.1:9/d"), "database_refused"),
    "the database's host misspelt": (env(DATABASE_URL="postgresql://u:pw-secret@db.invalid/d"), "database_host"),
    "an @ in the password": (env(DATABASE_URL="postgresql://u:pw-@secret@127.0.0.1:9/d"), "database_address"),
    "SQLite's folder is missing": (env(DATABASE_URL="sqlite:///no/such/folder/relay.db"), "database_folder"),
    "SQLite's path is a folder": (env(DATABASE_URL="sqlite:///."), "database_file"),
    "another file for SQLite's": (
        both(file("notes.txt", "no database\n" * 100, 0o600), env(DATABASE_URL="sqlite:///notes.txt")),
        "database_file",
    ),
    "SQLite on a disk that is wiped": (env(DYNO="web.1"), "ephemeral_disk"),
    "another token": (env(SLACK_BOT_TOKEN="xoxb-another"), "slack_token"),
    "the app was removed": (slack_says("auth.test", "error", code="account_inactive"), "slack_token"),
    "Slack cannot be reached": (env(SLACK_API_URL=NOWHERE), "slack_unreachable"),
    "a proxy answers for Slack": (slack_says("auth.test", "html"), "slack_answer"),
    "Slack limits us": (slack_says("auth.test", "ratelimited"), "slack_limits"),
    "chat:write is missing": (lacks("chat:write"), "slack_scope"),
    "channels:history is missing": (lacks("channels:history"), "slack_scope"),
    "files:write is missing": (lacks("files:write"), "slack_scope"),
    "an old manifest": (
        file("slack-app.yaml", "oauth_config: {scopes: {bot: [chat:write]}}", 0o644), "manifest_scope",
    ),
    "the clock is an hour ahead": (clock_ahead, "clock_skew"),
    "a channel that does not exist": (env(RELAY_CONFIG_YAML="default_channel: C0NOWHERE"), "channel_not_found"),
    "a channel's name misspelt": (env(RELAY_CONFIG_YAML='default_channel: "#suport"'), "channel_not_found"),
    "an archived channel": (env(RELAY_CONFIG_YAML="default_channel: C0OLD"), "channel_archived"),
    "a private channel without the bot": (env(RELAY_CONFIG_YAML="default_channel: G0PRIVATE"), "channel_not_found"),
    "the bot was removed from a channel": (lambda bench: bench.sandbox.slack.kick("C0VIP"), "channel_not_member"),
    "another API key": (env(KOMMUNICATE_API_KEY="another-api-key-entirely"), "kommunicate_key"),
    "Kommunicate cannot be reached": (env(KOMMUNICATE_API_URL=NOWHERE), "kommunicate_unreachable"),
    "another address for Kommunicate": (
        lambda bench: bench.env.update(KOMMUNICATE_API_URL=bench.server.url), "kommunicate_answer",
    ),
    "the relay is not running": (env(RELAY_PUBLIC_URL=NOWHERE), "public_address"),
    "the proxy finds no relay": (fronted(answers={"/healthz": (502, "Bad Gateway")}), "public_address"),
    "http leads to https": (fronted(answers={"/healthz": (301, "")}), "public_redirect"),
    "another app at the address": (fronted(answers={"/healthz": HTML}), "public_other"),
    "the relay's database is away": (
        fronted(answers={"/readyz": (503, '{"error": "unavailable"}')}), "relay_not_ready",
    ),
    "another signing secret here": (env(SLACK_SIGNING_SECRET="7" * 32), "signing_secret"),
    "a relay without a signing secret": (
        fronted(answers={"/slack/events": (404, '{"error": "not_found"}')}), "slack_events_off",
    ),
    "a login page before Slack's address": (fronted(answers={"/slack/events": HTML}), "slack_events"),
    "another webhook token here": (env(KOMMUNICATE_WEBHOOK_TOKEN="another-webhook-token"), "webhook_token"),
    "the proxy drops Kommunicate's header": (fronted(drops="Authentication"), "webhook_header"),
    "a filter before the webhook": (fronted(answers={"/kommunicate/webhook": (403, "Forbidden")}), "webhook_blocked"),
    "no webhook token here": (without("KOMMUNICATE_WEBHOOK_TOKEN"), "webhook_token_unset"),
    "a channel that takes no posts": (stored(pause), "paused"),
    "a dead letter": (stored(execute("UPDATE deliveries SET state = 'dead'")), "dead_letters"),
    "something waits for long": (stored(execute("UPDATE deliveries SET created_at = 1.0")), "waiting_long"),
    "a chat without a channel": (
        stored(lambda store: take_in(store, decision=UNMAPPED)), "chats_without_channel",
    ),
    "a database of an earlier version": (
        stored(execute("UPDATE alembic_version SET version_num = '0001'")), "schema_older",
    ),
    "a database of a later version": (
        stored(execute("UPDATE alembic_version SET version_num = '9999'")), "schema_newer",
    ),
    "a short secret": (env(RELAY_METRICS_TOKEN="short"), "secret_short"),
    "a secret file for everybody": (file(".env", "# nothing in it yet\n", 0o644), "secret_readable"),
    "a database for everybody": (database_mode, "database_readable"),
    "replies are off": (without("SLACK_SIGNING_SECRET"), "replies_off"),
    "Slack signs with another secret": (other_signing_secret_in_slack, "slack_refused"),
    "Kommunicate sends another token": (other_token_in_kommunicate, "webhook_refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", sampled(FAULTS, *list(FAULTS)[::3], *list(FAULTS)[-2:]))
def test_it_names_the_fault_first_and_says_what_to_do(bench: Bench, name: str) -> None:
    break_it, code = FAULTS[name]
    break_it(bench)
    first = next(one for one in bench.findings() if one["code"] != "slack_identity")
    assert first["code"] == code
    assert first["page"] == f"docs/troubleshooting.md#{code}"
    assert code in finding_codes()
    assert len(first["hint"].split()) >= 3
    mended(bench, code)


def mended(bench: Bench, code: str) -> None:
    """What was refused is forgotten as soon as one is accepted."""
    if code == "webhook_refused":
        assert bench.relay.post(body("k10"), token=WEBHOOK).status_code == 200
    elif code == "slack_refused":
        bench.sandbox.slack.sender.signing_secret = bench.env["SLACK_SIGNING_SECRET"]
        bench.sandbox.slack.human_writes("C0SUPPORT", "hello again")
    else:
        return
    assert wait_for(lambda: code not in [one["code"] for one in bench.findings()], every=0.2)


def test_nothing_is_wrong_with_the_set_up_itself(bench: Bench) -> None:
    result = bench.doctor()
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "All is well.")


ON_A_SERVER = {"database_user": "nobody_here@/postgres", "database_name": "postgres@/nothing_there"}


@pytest.mark.parametrize("code", ON_A_SERVER)
def test_postgresql_without_that_user_or_database(bench: Bench, postgres_database_url: str, code: str) -> None:
    """The server lets everybody in whom it knows."""
    with psycopg.connect(postgres_database_url) as conn:
        where = f"host={conn.info.host}&port={conn.info.port}"
    bench.env["DATABASE_URL"] = f"postgresql://{ON_A_SERVER[code]}?{where}"
    assert bench.findings()[0]["code"] == code


def test_an_older_schema_on_postgresql_is_an_error(bench: Bench, postgres_database_url: str) -> None:
    with psycopg.connect(postgres_database_url) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0000'")
    bench.env["DATABASE_URL"] = postgres_database_url
    first = bench.findings()[0]
    assert (first["code"], first["level"]) == ("schema_older", "error")
    assert "relay migrate" in first["hint"]


def test_no_fault_makes_it_print_a_secret(bench: Bench) -> None:
    """Neither whole nor as part of an address, whatever else it prints."""
    everything = ""
    for name, (break_it, _) in FAULTS.items():
        if name.startswith(("another", "an @", "PostgreSQL", "the database's", "a person's", "a short")):
            before, unset = dict(bench.env), set(bench.unset)
            break_it(bench)
            everything += bench.doctor().output
            bench.env, bench.unset = before, unset
    assert len(everything) > 1000
    assert [secret for secret in (*SECRETS, "pw-secret", "secret@", "xoxp-1") if secret in everything] == []


def test_the_environment_of_a_test_is_the_set_ups_alone(bench: Bench, tmp_path: Path) -> None:
    """Else a fault could be hidden by what this machine has set."""
    assert set(bench.env) <= set(VARIABLES)
    assert free_port() != bench.relay.port
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("answers", [None, {"/healthz": (502, "Bad Gateway")}])
def test_nobody_is_told_to_start_what_is_running(
    bench: Bench, answers: dict[str, tuple[int, str]] | None, runs: bool
) -> None:
    bench.env["RELAY_PUBLIC_URL"] = bench.front(answers=answers) if answers else NOWHERE
    port = bench.env["PORT"] if runs else str(free_port())
    bench.env["PORT"] = port
    hint = next(one["hint"] for one in bench.findings() if one["code"] == "public_address")
    assert hint.startswith(f"The relay is running here, on port {port}: " if runs else "Start `relay serve`")


def test_a_name_that_leads_nowhere_is_the_addresss_fault(bench: Bench) -> None:
    bench.env["RELAY_PUBLIC_URL"] = "https://nowhere.invalid"
    hint = next(one["hint"] for one in bench.findings() if one["code"] == "public_address")
    assert hint == "Correct the address, or its DNS entry."
