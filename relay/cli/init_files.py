"""The files that `relay init` makes, in the folder that it runs in: what is there stays."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from relay.settings import environment
from relay.settings.envfile import EnvFile
from relay.settings.single import judge
from relay.settings.source import file_named
from relay.slack.manifest import MANIFEST, TEMPLATE, TEMPLATE_ADDRESS, is_for, manifest_for, readdressed

GENERATED = {"KOMMUNICATE_WEBHOOK_TOKEN": 32, "RELAY_ADMIN_PASSWORD": 18}  # bytes
CONFIG = """\
# Which chat goes to which Slack channel. `relay check` checks it; an edit takes effect within two seconds.
# config.example.yaml shows every key, with its default.

# Kommunicate's conversation id (groupId) and the channel for it: its id (in Slack: channel name, About, at the
# bottom), or its name in quotes.
#
#   channels:
#     123456: C0SUPPORT
#     789012: "#billing"
channels: {{}}

# For all other conversations. Without it, they wait until this file names a channel for them.
default_channel: {channel}

# How long an agent can edit or delete a reply before it is sent.
replies:
  undo_seconds: 5

# How long a customer waits before a line in the thread says so.
remind:
  after: 10m
"""


class Files:
    """What is there, what is to be written, and what was written and left alone, for people to read."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._environment = folder, environment(folder)
        self.env = EnvFile(folder / ".env")
        self._before = dict(self.env.values)
        self.config = file_named(self._environment)
        self.manifest_file = self._where_manifest_is()
        self.written: list[str] = []
        self.left: list[str] = []
        self.made: dict[str, str] = {}  # secrets of this run
        self._texts: dict[str, str] = {}

    def value(self, name: str) -> str | None:
        """What a variable is set to, here or outside; None where it is not, or still a placeholder."""
        value = (self._environment if self.is_from_outside(name) else self.env.values).get(name)
        found = judge(name, value) if value else None
        return None if found is not None and found.code == "placeholder" else value or None

    def has(self, name: str) -> bool:
        """True where a variable is set, or a file that holds it."""
        return self.value(name) is not None or bool(self._environment.get(f"{name}_FILE"))

    def differs(self, name: str, value: str) -> bool:
        """True where a variable is set to something else; its value is never told."""
        return self.value(name) != value

    def is_from_outside(self, name: str) -> bool:
        """True where not `.env` but the real environment sets it, which wins."""
        outside = self._environment.get(name)
        return outside is not None and outside != self._before.get(name)

    def wrong(self) -> list[str]:
        """A sentence for each variable that the relay would refuse."""
        found = [judge(name, value) for name, value in self.env.values.items() if value and self.has(name)]
        return [str(one) for one in found if one is not None and one.level == "error"]

    @property
    def is_socket_mode(self) -> bool:
        """True where the set-up says so already."""
        says_so = is_for(self._manifest(), None) and not self.has("SLACK_SIGNING_SECRET")
        return self.has("SLACK_APP_TOKEN") or says_so

    @property
    def needs_config(self) -> bool:
        """True where there is no configuration yet."""
        return self.config is not None and not (self._folder / self.config).exists()

    def make_config(self, channel: str) -> None:
        """A small configuration; without a channel all chats wait."""
        if self.config is not None:
            self._texts[self.config] = CONFIG.format(channel=json.dumps(channel, ensure_ascii=False) if channel else "")

    def make_secrets(self) -> None:
        """What nobody has to think up."""
        for name, size in GENERATED.items():
            if not self.has(name):
                self.made[name] = secrets.token_urlsafe(size)
                self.env.put(name, self.made[name])

    def has_manifest(self) -> bool:
        """True where there is one already."""
        return bool(self._manifest())

    def manifest_fits(self, address: str | None) -> bool:
        """True where that one is for this address, None for Socket Mode, whatever else somebody changed in it."""
        return is_for(self._manifest(), address)

    def make_manifest(self, address: str | None) -> bool:
        """Have it written for this address; what somebody changed in it stays. False where it has no place for it."""
        made = readdressed(self._manifest(), address) if self.has_manifest() else manifest_for(address)
        if is_for(made, address):
            self._texts[self.manifest_file] = made
        return self.manifest_file in self._texts

    @property
    def changes_manifest(self) -> bool:
        """True where the manifest is made, or made anew."""
        return self.manifest_file in self._texts

    def manifest(self) -> str:
        """The manifest as it is, or will be."""
        return self._texts.get(self.manifest_file) or self._manifest()

    def leave(self, what: str) -> None:
        """Note what is not changed, and why."""
        self.left.append(what)

    def write(self, *, asks_more: bool) -> None:
        """Write all of it, each file at once or not at all; with `asks_more`, `.env` may still change afterwards."""
        existed = (self._folder / ".env").exists()
        if self.env.write():
            self.written.append(".env" if existed else ".env (nobody else can read it)")
        elif existed and not asks_more:
            self.leave(".env")
        for name, text in self._texts.items():
            (self._folder / name).write_text(text, encoding="utf-8")
            self.written.append(name)
        self.left += [name for name in (self.config or "", self.manifest_file) if name and self._is_untouched(name)]

    def _is_untouched(self, name: str) -> bool:
        return name not in self._texts and not any(one.startswith(name) for one in self.left)

    def _manifest(self) -> str:
        return self._text(self.manifest_file)

    def _where_manifest_is(self) -> str:
        """The template of a checkout is everybody's and stays as it is; earlier versions filled it in where it was."""
        filled_in = self._text(TEMPLATE) and TEMPLATE_ADDRESS not in self._text(TEMPLATE)
        return TEMPLATE if filled_in and not self._text(MANIFEST) else MANIFEST

    def _text(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""
