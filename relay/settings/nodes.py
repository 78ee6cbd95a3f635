"""Parses YAML text into PyYAML's nodes, which know their positions; features that a settings file does not need are
refused.
"""

from __future__ import annotations

import yaml
from yaml.events import AliasEvent, NodeEvent
from yaml.nodes import Node, ScalarNode

from relay.settings.problems import Place, Problems
from relay.settings.syntax import explain_syntax

MAX_CHARACTERS = 1024 * 1024  # ten thousand routes take some 700,000
MAX_DEPTH = 20
REFUSED = "refused"
"""The tag of a node that has been reported and is to be left out."""

_ALIAS = "A reference (`*name`) cannot be used here."
_TAG = "A tag (`!name`) cannot be used here."


def read_nodes(text: str, problems: Problems) -> Node | None:
    """The root node, or None if there is nothing to continue with (a problem was noted)."""
    if len(text) > MAX_CHARACTERS:
        hint = f"Keep it under {MAX_CHARACTERS:,} characters."
        problems.add((1, 1), "too_big", f"The file is too big ({len(text):,} characters).", hint)
        return None
    try:
        root = _Loader(text, problems).get_single_node()
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets errors of chr() and int() through
        explain_syntax(error, text, problems)
        return None
    if root is None:
        hint = "Copy `config.example.yaml`, or add `default_channel: C0123ABCD`."
        problems.add((1, 1), "empty_file", "The file is empty, or every line is a comment.", hint)
    return root


def place_of(node: Node) -> Place:
    """Where a node starts."""
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Loader(yaml.SafeLoader):
    """PyYAML's loader up to nodes: no references, no tags, no unlimited nesting."""

    def __init__(self, text: str, problems: Problems) -> None:
        super().__init__(text)
        self._problems = problems
        self._depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            return self._refuse(event, "yaml_alias", _ALIAS, "Write the value out again.")
        if self._depth >= MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if getattr(event, "tag", None) is not None:
            return self._refuse(event, "yaml_tag", _TAG, "Leave the tag out; quote the value if it must be text.")
        return node

    def _refuse(self, event: NodeEvent, code: str, message: str, hint: str) -> ScalarNode:
        node = ScalarNode(REFUSED, "", event.start_mark, event.end_mark)  # type: ignore[arg-type]
        self._problems.add(place_of(node), code, message, hint)
        return node
