"""The page, section by section, and whatever is missing for it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import click
import yaml
from prometheus_client.parser import text_string_to_metric_families

from relay.metrics import render_metrics
from relay.settings import SECRETS, VARIABLES
from relay.settings.conditions import CONDITIONS
from relay.store.db.engine import open_store
from relay.store.db.schema import migrate
from tests.commands import every_command
from tests.harness import ROOT
from tests.reference import settings
from tests.reference.addresses import addresses
from tests.reference.codes import finding_codes, refusals
from tests.reference.logs import log_events, unreadable_logs
from tests.reference.source import Found, relative

PAGE = ROOT / "docs" / "reference.md"
WORDS = ROOT / "docs" / "reference.yaml"
TROUBLE = ROOT / "docs" / "troubleshooting.md"
_HEAD = """# Reference

Everything that has a name. Made from the code by `make reference`; to see how things are used, start at the
[README](../README.md).

- [Settings](#settings), [conditions of routes](#conditions-of-routes), [environment](#environment)
- [Commands](#commands)
- [Addresses](#addresses), [answers of the webhook](#answers-of-the-webhook), [errors](#errors)
- [Metrics](#metrics), [log events](#log-events), [finding codes](#finding-codes)
"""


def render() -> str:
    """The whole page."""
    sections = (
        ("Settings", "settings", _settings()),
        ("Conditions of routes", "conditions", _conditions()),
        ("Environment", "environment", _environment()),
        ("Commands", "commands", _commands()),
        ("Addresses", "addresses", _addresses()),
        ("Answers of the webhook", "webhook", ""),
        ("Errors", "errors", _errors()),
        ("Metrics", "metrics", _metrics()),
        ("Log events", "log_events", _events()),
        ("Finding codes", "findings", _findings()),
    )
    parts = (f"## {title}\n\n{words()['about'][about]}\n{rows}".rstrip() for title, about, rows in sections)
    return "\n\n".join([_HEAD.rstrip(), *parts]) + "\n"


def missing() -> list[str]:
    """A sentence for everything that nobody has explained, and for every explanation of what does not exist."""
    return [
        *settings.missing_meanings(),
        *_compared("environment", dict.fromkeys(VARIABLES, "relay/settings/variables.py")),
        *_compared("responses", _places(refusals())),
        *_compared("log_events", _places(log_events())),
        *_compared("findings", {name: one.place for name, one in finding_codes().items() if name not in sections()}),
        *(f"{place}: write the event's name out where it is logged" for place in unreadable_logs()),
        *(f"{verb} has no docstring, which its row would be" for verb, about in addresses().items() if not about),
    ]


@cache
def words() -> Mapping[str, Mapping[str, Any]]:
    """What stands in `docs/reference.yaml`."""
    read: Mapping[str, Mapping[str, Any]] = yaml.safe_load(WORDS.read_text())
    return read


@cache
def sections() -> Mapping[str, str]:
    """The finding codes that the page on troubleshooting, where there is one, has a section for: its first sentence."""
    if not TROUBLE.exists():
        return {}
    found = re.findall(r"(?ms)^### ([a-z0-9_]+)\n+(.*?)(?=^#|\Z)", TROUBLE.read_text())
    return {name: f"{_first_sentence(text)} [More]({TROUBLE.name}#{name})" for name, text in found}


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`*])", " ".join(text.split()))[0]


def _places(found: Mapping[str, Found]) -> dict[str, str]:
    return {name: one.place for name, one in found.items()}


def _compared(section: str, places: Mapping[str, str]) -> Iterator[str]:
    where = f"`{section}` in {relative(WORDS)}"
    told = words().get(section, {})
    for name in sorted(places.keys() - told.keys()):
        yield f"`{name}` ({places[name]}) has no meaning: add a line for it to {where}"
    for name in sorted(told.keys() - places.keys()):
        yield f"`{name}` is not in the code, or explained elsewhere: take its line out of {where}"


def _settings() -> str:
    rows = [[f"`{key.name}`", settings.kind_of(key.info), settings.default_of(key.name), key.meaning or ""]
            for key in settings.top_keys()]  # fmt: skip
    blocks = [_table(("key", "holds", "default", "meaning"), rows)]
    for key, model in settings.entries():
        rows = [[f"`{one.name}`", settings.kind_of(one.info), one.meaning or ""] for one in settings.top_keys(model)]
        blocks.append(f"**Each entry of `{key.name}`** has:\n\n{_table(('key', 'holds', 'meaning'), rows)}")
    return "\n".join(blocks)


def _conditions() -> str:
    rows = [[f"`{name}<name>`" if name.endswith(".") else f"`{name}`", one.says, f"`{one.example}`"]
            for name, one in CONDITIONS.items()]  # fmt: skip
    return _table(("condition", "asks for", "example"), rows)


def _environment() -> str:
    required = settings.required_variables()
    rows = []
    for name, about in words()["environment"].items():
        means = f"**Secret.** {about['means']}" if name in SECRETS else about["means"]
        default = f"`{about['default']}`" if _is_value(about.get("default", "")) else about.get("default", "")
        rows.append([f"`{name}`", default, means, ", ".join(required.get(name, ()))])
    return _table(("name", "default", "meaning", "required by"), rows)


def _is_value(default: str) -> bool:
    return bool(default) and " " not in default and "'" not in default


def _commands() -> str:
    rows = []
    for path, command in every_command():
        if isinstance(command, click.Group):
            continue
        arguments = [
            one.make_metavar(click.Context(command)) for one in command.params if isinstance(one, click.Argument)
        ]
        name = " ".join(("relay", *path, *arguments)).replace("[]", "")
        about = " ".join((command.help or "").split())
        rows.append([f"`{name}`", about, "<br>".join(_options(command))])
    return _table(("command", "does", "options"), rows)


def _options(command: click.Command) -> Iterator[str]:
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            shown = option.opts[0] if option.is_flag else f"{option.opts[0]} {_metavar(command, option)}"
            default = f" Default: `{option.default}`." if option.show_default and not option.is_flag else ""
            yield f"`{shown}`: {option.help}{default}"


def _metavar(command: click.Command, option: click.Option) -> str:
    return "N" if isinstance(option.type, click.IntRange) else option.make_metavar(click.Context(command)).strip("[]")


def _addresses() -> str:
    return _table(("address", "does"), [[f"`{name}`", about] for name, about in addresses().items()])


def _errors() -> str:
    found = refusals()
    rows = [[*_halves(name), about] for name, about in words()["responses"].items() if name in found]
    return _table(("status", "`error`", "when"), rows)


def _halves(name: str) -> tuple[str, str]:
    status, _, rest = name.partition(" ")
    return status, f"`{rest}`"


def _metrics() -> str:
    with tempfile.TemporaryDirectory() as folder, closing(open_store(f"sqlite:///{Path(folder)}/relay.db")) as store:
        migrate(store)
        told = render_metrics(store).decode()
    rows = []
    for family in text_string_to_metric_families(told):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels: dict[str, dict[str, None]] = {}
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label not in ("le", "quantile"):
                    labels.setdefault(label, {})[value] = None
        shown = "; ".join(f"`{label}`: {', '.join(values)}" for label, values in labels.items())
        rows.append([f"`{name}`", family.type, shown, family.documentation])
    return _table(("metric", "type", "labels", "meaning"), rows)


def _events() -> str:
    found = log_events()
    rows = [
        [f"`{name}`", ", ".join(sorted(found[name].levels)), ", ".join(found[name].fields), about]
        for name, about in words()["log_events"].items()
        if name in found
    ]
    return _table(("event", "level", "fields", "meaning"), rows)


def _findings() -> str:
    found = finding_codes()
    told = {**words().get("findings", {}), **sections()}
    rows = [
        [f"`{name}`", ", ".join(sorted(found[name].levels)), about] for name, about in told.items() if name in found
    ]
    return _table(("code", "level", "meaning"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [
        names,
        ["---"] * len(names),
        *([" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("|  |", "| |")
