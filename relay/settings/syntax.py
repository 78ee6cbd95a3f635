"""PyYAML's errors in plain English."""

from __future__ import annotations

import re

import yaml
from yaml.reader import ReaderError

from relay.settings.problems import START, Place, Problems
from relay.settings.wrong import looks_secret

_GLUED = re.compile(r"^ *(?:- )?(?P<key>[a-z_]+):(?P<value>[^\s:/][^\n]*)$", re.MULTILINE)
_HINTS = (
    # a part of PyYAML's problem, our code, our sentence, our hint
    (r"'\t'", "yaml_tab", "There is a tab where only spaces are allowed.", "Replace the tab with spaces."),
    (
        "but found another document",
        "several_documents",
        "A second document starts here.",
        "Keep one document: remove the line `---` and whatever does not belong.",
    ),
    ("nested too deeply", "too_deep", "This is nested too deeply.", "No setting is nested deeper than three levels."),
    (
        "mapping values are not allowed",
        "yaml_syntax",
        "A colon is not allowed here.",
        'Line the key up with its neighbours (or does the line above lack its colon?), or quote the text: `"a: b"`.',
    ),
    (
        "while parsing a flow",
        "yaml_syntax",
        "A `{` or `[` before this place is not closed.",
        "Close it on the same line; inside it, put text that starts with # in quotes.",
    ),
    (
        "quoted scalar",
        "yaml_syntax",
        "A quote is opened here and never closed.",
        "Add the closing quote.",
    ),
    (
        "could not find expected ':'",
        "yaml_syntax",
        "This line is not a `key: value`.",
        "Write a colon and a space after the key.",
    ),
    (
        "expected <block end>",
        "yaml_syntax",
        "This line does not match the indentation above it.",
        "Start it in the same column as its neighbours, using spaces.",
    ),
    ("escape", "yaml_syntax", "The quoted text contains a `\\` with no meaning.", "Use single quotes: `'...'`."),
    (
        "cannot start any token",
        "yaml_syntax",
        "A value cannot start with this character.",
        'Put the value in quotes: `"..."`.',
    ),
)
_OTHER = (
    "yaml_syntax",
    "This is not valid YAML.",
    "Compare the line with `config.example.yaml`: spaces, colons, quotes.",
)


def explain_syntax(error: Exception, text: str, problems: Problems) -> None:
    """Notes the one problem that stopped PyYAML."""
    if isinstance(error, ReaderError):
        hint = "Delete it and type the line again."
        problems.add(_place_at(text, error.position), "bad_character", "A character here cannot be in YAML.", hint)
        return
    if not isinstance(error, yaml.MarkedYAMLError):
        problems.add(START, *_OTHER)
        return
    if note_missing_blank(text, problems):
        return
    said = f"{error.context} {error.problem}"
    words = next((tuple(rest) for part, *rest in _HINTS if part in said), _OTHER)
    code, message, hint = words
    problems.add(_place(error), code, message, hint)


def note_missing_blank(text: str, problems: Problems) -> bool:
    """Notes the first `key:value` of a file that could not be read because of it; False if there is none."""
    found = _GLUED.search(text)
    if found is None:
        return False
    value = "..." if looks_secret(found["value"]) else found["value"].strip()[:60]
    message, hint = "There is no space after the colon.", f"Write `{found['key']}: {value}`."
    problems.add(_place_at(text, found.start("value")), "no_blank", message, hint)
    return True


def _place(error: yaml.MarkedYAMLError) -> Place:
    """Where the mistake is: for an unclosed quote its start, although PyYAML complains at the end."""
    quote = "quoted scalar" in str(error.context) and "end of stream" in str(error.problem)
    mark = error.context_mark if quote else error.problem_mark
    return (mark.line + 1, mark.column + 1) if mark else START


def _place_at(text: str, position: int) -> Place:
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")
