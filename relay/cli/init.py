"""`relay init`: the files of a new relay, the link that makes its Slack app, and what to do next, in order."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from relay.cli.asking import Asker
from relay.cli.common import COULD_NOT_RUN, explain_failures
from relay.cli.init_files import Files
from relay.cli.init_steps import Steps
from relay.settings.single import judge, judge_channel

SQLITE = "sqlite:///relay.db"
NOBODY_TO_ASK = (
    "There is no terminal to ask on. Give --public-url URL, the https address at which Slack reaches the relay, or "
    "--socket-mode where it has none; --yes takes Socket Mode."
)
VARIABLE_OF = {
    "public_url": "RELAY_PUBLIC_URL",
    "database_url": "DATABASE_URL",
    "bot_token": "SLACK_BOT_TOKEN",
    "signing_secret": "SLACK_SIGNING_SECRET",
    "app_token": "SLACK_APP_TOKEN",
    "api_key": "KOMMUNICATE_API_KEY",
}
QUESTIONS = {
    "SLACK_BOT_TOKEN": "Bot User OAuth Token, xoxb-... (Enter: later)",
    "SLACK_SIGNING_SECRET": "Signing Secret (Enter: later)",
    "SLACK_APP_TOKEN": "App-Level Token, xapp-... (Enter: later)",
    "KOMMUNICATE_API_KEY": "Kommunicate's API key, for replies and names (Enter: later)",
}


@click.command()
@click.option("--public-url", metavar="URL", help="The https address at which Slack and Kommunicate reach the relay.")
@click.option(
    "--socket-mode/--no-socket-mode",
    default=None,
    help="Socket Mode: the relay calls Slack, for where Slack cannot reach it.",
)
@click.option("--channel", metavar="CHANNEL", help='The Slack channel for all chats: its id, or "#name".')
@click.option("--database-url", metavar="URL", help=f"The database that keeps the messages ({SQLITE}).")
@click.option("--bot-token", metavar="TOKEN", help="Slack's Bot User OAuth Token (xoxb-...).")
@click.option("--signing-secret", metavar="SECRET", help="Slack's Signing Secret; not for Socket Mode.")
@click.option("--app-token", metavar="TOKEN", help="Slack's App-Level Token (xapp-...), for Socket Mode.")
@click.option("--api-key", metavar="KEY", help="Kommunicate's API key.")
@click.option("--yes", is_flag=True, help="Ask nothing: use the defaults, and let options replace what is there.")
@explain_failures
def init(*, socket_mode: bool | None, channel: str | None, yes: bool, **given: str | None) -> None:
    """Create config.yaml, .env and the Slack app's manifest, and print the next steps.

    It writes config.yaml, .env and slack-app.yaml, the manifest of the Slack app, into this folder. Run it again at any
    time: it asks for what is missing, and changes nothing without asking. Other users of this machine can see the
    options of a command that runs: leave secrets out, and it asks for them.
    """
    flags = {VARIABLE_OF[option]: value.strip() for option, value in given.items() if value is not None}
    _refuse_wrong(flags, channel)
    asker, files = Asker(asks=not yes), Files(Path.cwd())
    address, by_socket = _way(asker, files, flags.get("RELAY_PUBLIC_URL"), socket_mode=socket_mode, yes=yes)
    flags.pop("RELAY_PUBLIC_URL", None)
    if address and address != (files.value("RELAY_PUBLIC_URL") or "").rstrip("/"):
        flags["RELAY_PUBLIC_URL"] = address
    _put(asker, files, flags, yes=yes)
    if files.needs_config:
        asked = "Slack channel for all chats: its id, or #name (Enter: later)"
        files.make_config(channel or asker.ask(asked, judge_channel))
    elif channel:
        named = json.dumps(channel, ensure_ascii=False)  # without quotes a name is a comment
        files.leave(f"{files.config}: write `default_channel: {named}` there by hand if it is to change")
    if not files.has("DATABASE_URL"):
        files.env.put("DATABASE_URL", asker.ask("Database", partial(judge, "DATABASE_URL"), default=SQLITE))
    files.make_secrets()
    _make_manifest(asker, files, address, by_socket=by_socket, yes=yes)
    files.write()
    steps = Steps(files, address, by_socket=by_socket)
    steps.tell_files()
    steps.tell_slack()
    for name in steps.wanted:
        if not files.has(name) and (answer := asker.ask(QUESTIONS[name], partial(judge, name), hidden=True)):
            files.env.put(name, answer)
    files.env.write()
    steps.tell_rest()


def _refuse_wrong(flags: dict[str, str], channel: str | None) -> None:
    """Nothing is written where an option is wrong."""
    found = [judge(name, value) for name, value in flags.items()]
    found += [judge_channel(channel)] if channel else []
    wrong = [one for one in found if one is not None and one.level == "error"]
    for one in wrong:
        click.echo(str(one), err=True)
    if wrong:
        raise SystemExit(COULD_NOT_RUN)


def _way(
    asker: Asker, files: Files, address: str | None, *, socket_mode: bool | None, yes: bool
) -> tuple[str | None, bool]:
    """The address that others reach the relay at, if it has one, and whether Slack does without."""
    stays = files.is_socket_mode and (not address or files.has("SLACK_APP_TOKEN"))
    address = (address or files.value("RELAY_PUBLIC_URL") or "").rstrip("/") or None
    if socket_mode or (socket_mode is None and stays):
        return address, True
    if address is not None:
        return address, False
    # who has a signing secret has an address already, which nobody can guess
    if not asker.asks and (socket_mode is False or not yes or files.has("SLACK_SIGNING_SECRET")):
        click.echo(f"error: {NOBODY_TO_ASK}", err=True)
        raise SystemExit(COULD_NOT_RUN)
    otherwise = "" if socket_mode is False else " (Enter: it has none, so it connects to Slack)"
    question = f"The relay's public https address{otherwise}"
    address = asker.ask(question, partial(judge, "RELAY_PUBLIC_URL")).rstrip("/") or None
    if address is None and socket_mode is False:
        click.echo(f"error: {NOBODY_TO_ASK}", err=True)
        raise SystemExit(COULD_NOT_RUN)
    return address, address is None


def _put(asker: Asker, files: Files, flags: dict[str, str], *, yes: bool) -> None:
    """What was given goes into `.env`; what stands there already is changed by somebody's word alone."""
    for name, value in flags.items():
        if not files.has(name):
            files.env.put(name, value)
        elif files.differs(name, value):
            if files.is_from_outside(name):
                files.leave(f"{name}: the environment sets it, which wins over .env")
            elif yes or asker.agrees(f"{name} has a different value in .env. Change it?"):
                files.env.put(name, value)
            else:
                files.leave(f"{name} in .env: it has a different value; --yes changes it")


def _make_manifest(asker: Asker, files: Files, address: str | None, *, by_socket: bool, yes: bool) -> None:
    for_slack, name = None if by_socket else address, files.manifest_file
    if files.has_manifest():
        if files.manifest_fits(for_slack):
            return
        if not (yes or asker.agrees(f"{name} is for a different address. Change that in it?")):
            files.leave(f"{name}: it is for a different address; --yes changes that")
            return
    if not files.make_manifest(for_slack):
        files.leave(f"{name}: it is for a different address, and has no place for this one; change it by hand")
