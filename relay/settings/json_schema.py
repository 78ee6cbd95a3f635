"""The file's JSON Schema, for completion and validation in editors; generated from the types that read the file.

https://json-schema.org/draft/2020-12. `relay check` finds more than a schema can express.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.settings.conditions import CONDITIONS, METADATA, WHEN, Condition, Join
from relay.settings.matchers import YES_OR_NO
from relay.settings.meanings import MEANINGS
from relay.settings.schema import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_A_WHEN: Mapping[str, Any] = {"$ref": f"#/$defs/{WHEN}"}
_TEXT: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}  # unquoted values are read as written


def json_schema() -> dict[str, Any]:
    """The schema of the whole file."""
    schema = _completed(Config.model_json_schema())
    _describe(schema)
    schema["$defs"][WHEN] = _when()
    return {"$schema": DIALECT, **schema, "title": "Configuration of the relay"}


def _describe(schema: dict[str, Any]) -> None:
    """The meaning of each key, for editors."""
    for model, about in MEANINGS.items():
        block = schema if model is Config else schema["$defs"][model.__name__]
        properties = block.get("properties") or block["anyOf"][-1]["properties"]  # of a block that may also be text
        for name, sentence in about.items():
            properties[name]["description"] = sentence


def _completed(node: Any) -> Any:
    """Allows every key of a block to be blank, and text where YAML sees a number."""
    if isinstance(node, list):
        return [_completed(one) for one in node]
    if not isinstance(node, dict):
        return node
    done = {name: _completed(value) for name, value in node.items() if name != "title"}
    if done.get("type") == "string" and done.keys() <= {"type", "default"}:
        return {**done, **_TEXT}
    if done == {"$comment": WHEN}:
        return dict(_A_WHEN)
    if "patternProperties" in done:  # names the user chose
        done["additionalProperties"] = False
    if isinstance(properties := done.get("properties"), dict):
        needed = done.get("required", ())
        done["properties"] = {name: one if name in needed else _or_blank(one) for name, one in properties.items()}
    return done


def _or_blank(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = schema.get("anyOf", [schema])
    if any(one.get("type") == "null" for one in choices):
        return schema
    about = {name: schema[name] for name in ("description", "default") if name in schema}
    bare = [{name: value for name, value in one.items() if name not in about} for one in choices]
    return {**about, "anyOf": [*bare, {"type": "null"}]}


def _when() -> dict[str, Any]:
    """Conditions, from the table that reads them."""
    block = dict(_A_WHEN)
    blocks = {"anyOf": [block, {"type": "array", "items": block, "minItems": 1}]}
    asked = {
        name: {**_one_or_more(one), "description": f"{one.says}; such as `{one.example}`"}
        for name, one in CONDITIONS.items()
    }
    metadata = asked.pop(METADATA)
    return {
        "type": "object",
        "description": "Conditions for a conversation; all must be true.",
        "properties": {**asked, **{str(join): blocks for join in Join}},
        "patternProperties": {r"^metadata\.([^.]|..)": metadata},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _one_or_more(condition: Condition) -> dict[str, Any]:
    choices = [*condition.choices, *(one == "true" for one in condition.choices if one in YES_OR_NO)]
    one = {"enum": choices} if choices else _TEXT
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
