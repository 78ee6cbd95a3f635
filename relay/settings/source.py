"""Finds the YAML text: in a file, or in a variable."""

from __future__ import annotations

from collections.abc import Mapping

from relay.settings.check import Examine, check_config
from relay.settings.nodes import MAX_CHARACTERS
from relay.settings.problems import Problems
from relay.settings.schema import Config
from relay.settings.variables import Reader

DEFAULT_FILE = "config.yaml"
_LARGEST_FILE = 4 * MAX_CHARACTERS


def file_named(env: Mapping[str, str]) -> str | None:
    """The path of the YAML file; None if the text is in a variable."""
    return None if env.get("RELAY_CONFIG_YAML") else env.get("RELAY_CONFIG") or DEFAULT_FILE


def has_config(reader: Reader) -> bool:
    """True if there is a configuration, for commands that can do without one: it may name workspaces."""
    name = file_named(reader.env)
    return name is None or "RELAY_CONFIG" in reader.env or (reader.cwd / name).exists()


def read_config(reader: Reader, examine: Examine | None = None) -> Config | None:
    """The configuration the environment names, or None with its findings in the reader."""
    name, text = reader.env.get("RELAY_CONFIG"), reader.env.get("RELAY_CONFIG_YAML")
    if name and text:
        hint = "Keep RELAY_CONFIG for a file, or RELAY_CONFIG_YAML for the text itself."
        reader.note("both_set", "RELAY_CONFIG", "RELAY_CONFIG and RELAY_CONFIG_YAML are both set.", hint)
        return None
    if text:
        return _checked(reader, text, "RELAY_CONFIG_YAML", examine)
    if not name and (name is not None or text is not None):
        variable = "RELAY_CONFIG" if name is not None else "RELAY_CONFIG_YAML"
        reader.note("empty", variable, f"{variable} is set but empty.", "Give it a value, or remove it.")
        return None
    name = name or DEFAULT_FILE
    content = _from_file(reader, name)
    return None if content is None else _checked(reader, content, name, examine)


def _checked(reader: Reader, text: str, name: str, examine: Examine | None) -> Config | None:
    config, findings = check_config(text, name, examine)
    reader.findings += findings
    return config


def _from_file(reader: Reader, name: str) -> str | None:
    try:
        with (reader.cwd / name).open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        _unreadable(reader, name, error)
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _not_utf8(reader, name, error)
        return None


def _unreadable(reader: Reader, name: str, error: Exception) -> None:
    if "\n" in name or len(name) > 300:
        hint = "Put the YAML itself into RELAY_CONFIG_YAML."
        reader.note("config_missing", "RELAY_CONFIG", "RELAY_CONFIG must be the path of a file.", hint)
        return
    if isinstance(error, FileNotFoundError):
        hint = "Run `relay init`, which writes it; or name another file in RELAY_CONFIG."
        reader.note("config_missing", name, f"The config file {name} does not exist.", hint)
        return
    reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
    hint = "Check the path and that the relay may read it."
    reader.note("config_unreadable", name, f"The config file {name} cannot be read: {reason}.", hint)


def _not_utf8(reader: Reader, name: str, error: UnicodeDecodeError) -> None:
    before = error.object[: error.start]
    place = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
    problems = Problems(name)
    problems.add(place, "not_utf8", "From here on, the file is not UTF-8 text.", "Save it as UTF-8 in your editor.")
    reader.findings += problems.in_order()
