"""What `redact` and `facts` may list."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from relay.settings.matchers import compile_pattern
from relay.settings.texts import Text
from relay.settings.wrong import shown, wrong

MAX_NAME = 40
FACTS = ("email", "phone", "page", "locale")
METADATA = "metadata."
_METADATA = r"metadata(\.[^.\s][^.]*)+"


class Builtin(StrEnum):
    """What the relay knows by itself."""

    PAYMENT_CARD = "payment_card"
    IBAN = "iban"
    EMAIL = "email"
    PHONE = "phone"
    SECRET = "secret"  # noqa: S105 - the word itself


class Redaction(BaseModel):
    """Something to hide: a built-in by its name, or what a pattern of one's own finds, by a name that people read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: Text | None = None
    name: Text

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A built-in's name, or a block."""
        text = {"type": "string"}
        own = {"type": "object", "properties": {"name": text, "pattern": text}, "required": ["name", "pattern"]}
        return {"anyOf": [{"enum": [one.value for one in Builtin]}, {**own, "additionalProperties": False}]}

    @model_validator(mode="before")
    @classmethod
    def _is_name_alone(cls, data: Any) -> Any:
        return {"name": data, "pattern": None} if isinstance(data, str) else data

    @field_validator("pattern", mode="after")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else parse_pattern(pattern)

    @field_validator("name", mode="after")
    @classmethod
    def _is_known(cls, name: str, info: ValidationInfo) -> str:
        if "pattern" not in info.data:  # it has a finding of its own
            return name
        if info.data["pattern"] is None:
            return _builtin(name)
        if len(name) > MAX_NAME or not re.fullmatch(r"[^\[\]\n]+", name):
            hint = f"Write at most {MAX_NAME} characters, without brackets: people read `[{name[:10]} hidden]`."
            raise wrong("bad_name", f"{shown(name)} cannot be the name of what is hidden.", hint)
        return name

    @property
    def builtin(self) -> Builtin | None:
        """Which of the built-ins it is, None for a pattern of one's own."""
        return None if self.pattern is not None else Builtin(self.name)


def _builtin(name: str) -> str:
    builtins = [one.value for one in Builtin]
    if name in builtins:
        return name
    close = get_close_matches(name[:40], builtins, n=1)
    meant = f"Did you mean `{close[0]}`? " if close else ""
    hint = f"{meant}Known are {', '.join(builtins)}; anything else is `{{name: ..., pattern: ...}}`."
    raise wrong("unknown_redaction", f"{shown(name)} is not a built-in detail.", hint)


def parse_pattern(pattern: str) -> str:
    """A pattern that RE2 takes, so that no message can make it take long; it must not match nothing at all."""
    compiled = compile_pattern(pattern)
    if compiled.search("") is not None:
        raise wrong("empty_pattern", "this pattern matches the empty text, everywhere.", "Write `+` for `*`.")
    return pattern


def parse_fact(value: Any) -> str:
    """The name of something of a customer's that a card may show, unchanged."""
    if isinstance(value, str) and (value in FACTS or re.fullmatch(_METADATA, value)):
        return value
    close = get_close_matches(str(value)[:40], FACTS, n=1)
    meant = f"Did you mean `{close[0]}`? " if close else ""
    hint = f"{meant}Known are {', '.join(FACTS)}, and `metadata.` with a name, as in `metadata.plan`."
    raise wrong("unknown_fact", f"A card cannot show {shown(value)}.", hint)


def _is_short(facts: tuple[str, ...]) -> tuple[str, ...]:
    if len(facts) > MAX_FACTS:
        raise wrong("too_many", f"A card shows at most {MAX_FACTS} facts.", "Remove some of them.")
    return tuple(dict.fromkeys(facts))


MAX_FACTS = 10
Redactions = tuple[Redaction, ...]
_SCHEMA = {"anyOf": [{"enum": list(FACTS)}, {"type": "string", "pattern": f"^{_METADATA}$"}]}
Fact = Annotated[str, BeforeValidator(parse_fact), WithJsonSchema(_SCHEMA)]
Facts = Annotated[tuple[Fact, ...], AfterValidator(_is_short)]
