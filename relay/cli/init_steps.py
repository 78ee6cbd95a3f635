"""What to click and paste, in order."""

from __future__ import annotations

import sys

import click

from relay.cli.init_files import Files
from relay.slack.manifest import creation_link

BY_ADDRESS = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "KOMMUNICATE_API_KEY")
BY_SOCKET = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "KOMMUNICATE_API_KEY")
APP = """
Slack
  1. Open this address, choose your workspace, and press Create:

{link}

  2. Install App: press Install, allow. Copy the Bot User OAuth Token; it begins with xoxb-.
  3. Basic Information, {secret}
  4. In each private channel you use, type /invite @chat-relay. The relay joins public channels by itself."""
SIGNING = "App Credentials: copy the Signing Secret."
CONNECTING = """\
App-Level Tokens: press Generate, add the scope connections:write.
     Copy the token; it begins with xapp-."""
VERIFY = """\
  5. Once the relay runs: Event Subscriptions, Retry next to the request URL, until Slack shows it as verified."""
AGAIN = """
Slack: the app is there already. Open it at https://api.slack.com/apps, App Manifest, and paste {file}."""
KOMMUNICATE = """
Kommunicate, in its dashboard
  1. Settings, Webhooks & Security:
     webhook URL           {url}
     authentication token  {token}
  2. Settings, Install: copy the API key, which replies and names need."""
NO_ADDRESS = """\
     Slack does not need to reach the relay, but Kommunicate does: through a tunnel or a proxy to its port, for the path
     /kommunicate/webhook only. `relay simulate` works without it."""
FILES = """\
     Without an address, agents' files cannot reach customers, who download them from the relay. Once it has one:
     relay init --public-url https://..."""
LATER = """
Still missing: {names}.
Run `relay init` again when you have {them}, or write {them} into .env."""
NEXT = """
Then
  relay check       checks {config}
  relay serve       runs the relay. Its address in a browser is the status page; .env has the password
  relay doctor      in a second terminal: what is wrong with the setup, and what to do
  relay simulate    sends a message as Kommunicate would, and follows it to Slack"""


class Steps:
    """Tells them for one set-up; `wanted` are the variables that it needs from people."""

    def __init__(self, files: Files, address: str | None, *, by_socket: bool) -> None:
        self._files, self._address, self._by_socket = files, address, by_socket
        self.wanted = BY_SOCKET if by_socket else BY_ADDRESS

    def tell_files(self) -> None:
        """What was written, and what was left alone."""
        for name in self._files.written:
            click.echo(f"Written: {name}")
        for what in self._files.left:
            click.echo(f"Left alone: {what}")
        if self._files.env.others_may_read():
            click.echo("Others on this machine can read .env: run `chmod 600 .env`.")

    def tell_slack(self) -> None:
        """How the app is made; where its tokens are there, what to change of it."""
        if all(self._files.has(name) for name in self.wanted[:2]):
            if self._files.changes_manifest:
                click.echo(AGAIN.format(file=self._files.manifest_file))
            return
        secret = CONNECTING if self._by_socket else SIGNING
        click.echo(APP.format(link=creation_link(self._files.manifest()), secret=secret))
        if not self._by_socket:
            click.echo(VERIFY)
        click.echo()

    def tell_rest(self) -> None:
        """The dashboard, what is missing, and the next commands."""
        where = self._address or "https://<an address that leads to the relay>"
        click.echo(KOMMUNICATE.format(url=f"{where}/kommunicate/webhook", token=self._token()))
        if self._address is None:
            click.echo(f"{NO_ADDRESS}\n{FILES}")
        missing = [name for name in self.wanted if not self._files.has(name)]
        if missing:
            click.echo(LATER.format(names=", ".join(missing), them="them" if len(missing) > 1 else "it"))
        for sentence in self._files.wrong():
            click.echo(f"\n{sentence}")
        click.echo(NEXT.format(config=self._files.config or "RELAY_CONFIG_YAML"))

    def _token(self) -> str:
        """It is shown once, to whoever sits there: a log is no place for it."""
        made = self._files.made.get("KOMMUNICATE_WEBHOOK_TOKEN")
        return made if made and sys.stdout.isatty() else "the value of KOMMUNICATE_WEBHOOK_TOKEN in .env"
