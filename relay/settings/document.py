"""Turns YAML nodes into plain data in which every scalar is the text as written, with a position for every path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from relay.settings import traps
from relay.settings.nodes import REFUSED, place_of
from relay.settings.problems import START, Path, Place, Problems
from relay.settings.wrong import shown


@dataclass
class Document:
    """What a text says, and where it says it.

    Numbers and true/false stay text: the schema knows what each should be, YAML only guesses. What was already reported
    is None in the data and listed in `reported`, so that it is reported only once.
    """

    text: str
    problems: Problems
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    reported: set[Path] = field(default_factory=set)

    def read(self, node: Node, path: Path = ()) -> Any:
        """The plain data below a node."""
        self.values[path] = place_of(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        if isinstance(node, ScalarNode) and node.tag != REFUSED:
            return self._scalar(node, path)
        self.reported.add(path)
        return None

    def place(self, path: Path, *, key: bool = False) -> Place:
        """The position of a path, or of the nearest enclosing thing in the text."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(path), 0, -1):
            part = path[:length]
            if place := first.get(part) or second.get(part):
                return place
        return self.values.get((), START)

    def was_reported(self, path: Path) -> bool:
        """True if the path, or something around it, already has its finding."""
        return any(path[:length] in self.reported for length in range(len(path) + 1))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            value = self.read(value_node, (*path, key))
            before = data.get(key)
            both = isinstance(before, dict) and isinstance(value, dict)
            data[key] = {**before, **value} if both and before else value
        return data

    def _key(self, node: Node, path: Path) -> str | None:
        """The key as text, or None if it was refused; a repeated key is noted."""
        if not isinstance(node, ScalarNode) or node.tag == REFUSED or not _encodable(node.value):
            if node.tag != REFUSED:
                hint = "Write `key: value`; quote a key that holds brackets."
                self.problems.add(place_of(node), "bad_key", "A key must be one piece of text.", hint)
            return None
        key: str = node.value
        here: Path = (*path, key)
        if here in self.keys:
            self._twice(node, self.keys[here])
        else:
            self.keys[here] = place_of(node)
            self._trap(node, here, key=True)
        return key

    def _twice(self, node: ScalarNode, first: Place) -> None:
        message = f"The key {shown(node.value)} is given twice; the first is in line {first[0]}."
        self.problems.add(place_of(node), "duplicate_key", message, "Keep one of the two.")

    def _scalar(self, node: ScalarNode, path: Path) -> str | None:
        if name := traps.swallowed(node, self.text):
            self._swallowed(name, path)
            return None
        if traps.is_null(node):
            return None
        if not _encodable(node.value):
            self.problems.add(place_of(node), "bad_character", "This text holds half a character.", "Type it anew.")
            self.reported.add(path)
            return None
        self._trap(node, path, key=False)
        return str(node.value)

    def _swallowed(self, name: str, path: Path) -> None:
        message = f"{shown(name)} is not quoted, so YAML takes it for a comment and the value is empty."
        self.problems.add(self.place(path, key=True), "name_is_a_comment", message, f"Put it in quotes: {shown(name)}.")
        self.reported.add(path)

    def _trap(self, node: ScalarNode, path: Path, *, key: bool) -> None:
        if reading := traps.misread(node, path, key=key):
            self.problems.add(place_of(node), "yaml_trap", *traps.advice(node, reading), level="warning")


def _encodable(text: str) -> bool:
    """False for a lone surrogate, which YAML can spell and nothing after it accepts."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
