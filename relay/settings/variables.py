"""Every environment variable of the relay, and reading one with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from relay.findings import Finding, Level

_LARGEST_SECRET = 64 * 1024
_SHORTEST_SECRET = 16  # characters; random ones of that length nobody guesses over a network
_NEAR = 0.8  # how alike two names are that are confused: SLACK_TOKEN, SLACK_BOT_TOKEN
_ANEW = "Make a new one: `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`."
_PLACEHOLDERS = ("xoxb-...", "xapp-...", "change-me", "changeme")


class Need(StrEnum):
    """What a command requires; anything else is not checked."""

    TOKEN = "token"  # noqa: S105  the webhook endpoint: its address, and the token that opens it
    SLACK = "slack"
    CONFIG = "config"
    DATABASE = "database"
    FILES = "files"  # where agents' files are kept
    REPLIES = "replies"  # whether there is a way back, for settings that depend on it


SECRETS = (
    "DATABASE_URL",
    "KOMMUNICATE_WEBHOOK_TOKEN",
    "KOMMUNICATE_API_KEY",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "RELAY_ADMIN_PASSWORD",
    "RELAY_METRICS_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "OTEL_EXPORTER_OTLP_HEADERS",
)
"""Each of them can also be given as `NAME_FILE`, the path of a file that holds it."""

VARIABLES = (
    "PORT",
    "HOST",
    "RELAY_CONFIG",
    "RELAY_CONFIG_YAML",
    "KOMMUNICATE_API_URL",
    "SLACK_API_URL",
    "DATABASE_POOLER",
    "RELAY_ALLOW_EPHEMERAL",
    "RELAY_PUBLIC_URL",
    "RELAY_FILES",
    "RELAY_FILES_MAX",
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_SDK_DISABLED",
    "RELAY_LOG_LEVEL",
    "RELAY_ENV",
    "RELAY_FAILPOINT",
    *SECRETS,
)


@dataclass
class Reader:
    """Reads variables for a command and collects every finding; never prints a value."""

    env: Mapping[str, str]
    need: Collection[Need]
    cwd: Path
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, name: str, message: str, hint: str, level: Level = "error") -> None:
        """Notes what is wrong with the variable `name`."""
        self.findings.append(Finding(code, level, message, hint, name))

    def text(self, name: str, default: str) -> str:
        """The variable, or its default if it is not set; an empty value is an error."""
        value = self.env.get(name)
        if value is None:
            return default
        if not value.strip():
            self.note("empty", name, f"{name} is set but empty.", f"Give it a value, or remove it to get {default}.")
            return default
        return value

    def secret(self, name: str, *, required: str = "") -> str | None:
        """The variable, or the content of the file `NAME_FILE`; None if neither is set.

        `required` is the hint that says where to get it; without it, the secret is optional.
        """
        path = self.env.get(f"{name}_FILE")
        value = self.env.get(name)
        if path and value:
            self.note("both_set", name, f"{name} and {name}_FILE are both set.", "Keep one of the two.")
            return None
        if path:
            return self._from_file(name, path, required)
        if not value and required:
            unset = value is None and path is None
            near = self._misspelt(name) if unset else ""
            message = f"{name} is {'not set' if unset else 'empty'}{near}."
            self.note("missing" if unset else "empty", name, message, required)
        return value or None

    def _misspelt(self, name: str) -> str:
        """What is set in its place, by a name that comes near."""
        unknown = [one for one in self.env if one not in VARIABLES and not one.endswith("_FILE")]
        close = get_close_matches(name, unknown, n=1, cutoff=_NEAR)
        return f", but {close[0]} is" if close else ""

    def token(self, name: str, *, required: str = "") -> tuple[str, ...]:
        """A secret that may have several values, comma separated, during a rotation; checked for whitespace and
        placeholders.
        """
        given = self.secret(name, required=required)
        tokens = tuple(part.strip(" ") for part in (given or "").split(",") if part.strip(" "))
        if given and not tokens:
            self.note("empty", name, f"{name} is set but empty.", required or "Give it a value, or remove it.")
        if any(part.split() != [part] for part in tokens):
            self.note("whitespace", name, f"{name} contains a space or a line break.", "Copy it again, in one piece.")
        self.refuse_placeholder(name, tokens)
        return tokens

    def only_token(self, name: str, *, required: str = "") -> str | None:
        """A token that can only have one value."""
        tokens = self.token(name, required=required)
        if len(tokens) > 1:
            self.note("several_tokens", name, f"{name} holds several values.", "Keep one value; it contains no comma.")
        return tokens[0] if tokens else None

    def refuse_placeholder(self, name: str, values: Collection[str]) -> None:
        """Notes a value left unchanged from `.env.example`."""
        if any(map(_is_placeholder, values)):
            message = f"{name} is still the placeholder from `.env.example`."
            self.note("placeholder", name, message, "Put your own value there.")

    def refuse_short(self, name: str, values: Collection[str]) -> None:
        """Notes a self-chosen secret that could be guessed; vendors choose the length of theirs.

        Only if `RELAY_ENV` says production: a relay that ran before an upgrade must still start after it.
        """
        short = any(len(value) < _SHORTEST_SECRET and not _is_placeholder(value) for value in values)
        if short and self.env.get("RELAY_ENV") == "production":
            message = f"{name} has fewer than {_SHORTEST_SECRET} characters, so it can be guessed."
            self.note("secret_short", name, message, _ANEW)

    def _from_file(self, name: str, path: str, required: str) -> str | None:
        # The message omits the path, because people paste the secret itself here.
        named = f"{name}_FILE"
        try:
            with (self.cwd / path).open("rb") as file:
                value = file.read(_LARGEST_SECRET).decode().rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            hint = "Check that the path is right and that the relay may read it."
            self.note("unreadable", named, f"The file named by {named} cannot be read: {reason}.", hint)
            return None
        if not value and required:
            self.note("empty", named, f"The file named by {named} is empty.", required)
        return value or None


def _is_placeholder(value: str) -> bool:
    return value.lower().startswith(_PLACEHOLDERS)
