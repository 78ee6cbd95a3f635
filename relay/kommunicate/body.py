"""The webhook's fields, validated: every wrong one is named, and no value is repeated.

Source: docs.kommunicate.io/docs/webhooks-configuration. Unlisted fields are ignored: the list is not closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from relay.errors import Rejected
from relay.jsontext import loads_leniently
from relay.keys import MAX_KEY, key_of
from relay.kommunicate.text import one_line

MAX_TITLE = 255
YEAR_3000 = 32_503_680_000_000  # in milliseconds since 1970

_DIGITS = re.compile(r"[0-9]{1,15}")
_COPY = re.compile(r"^[45]-(?=.)")


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("wrong", sentence)


def _identifier(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("must be text")
    if not value.strip():
        raise _wrong("must not be empty")
    if len(value) > MAX_KEY:
        raise _wrong(f"must not be longer than {MAX_KEY} characters")
    if key_of(value) is None:
        raise _wrong("must not contain control characters or broken Unicode")
    return value


def _number_as_text(value: Any) -> Any:
    """Return an integral number as its digits, whether written 5 or 5.0; anything else unchanged."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return str(int(value)) if float(value).is_integer() else value


def message_key(value: Any) -> str:
    """Return a message's key without its `4-`/`5-`; raise `ValueError` if it cannot be stored."""
    # One message arrives as "4-..." for its receiver and "5-..." for its sender, with the same tail.
    return _COPY.sub("", _identifier(value), count=1) if isinstance(value, str) else _identifier(value)


def _sender(value: Any) -> str:
    return _identifier(_number_as_text(value))


def _group_id(value: Any) -> str:
    value = _number_as_text(value)
    if not isinstance(value, str):
        raise _wrong("must be a whole number or text")
    return _identifier(value.strip())


def _milliseconds(value: Any) -> int:
    text = _number_as_text(value)
    if not isinstance(text, str) or not _DIGITS.fullmatch(text.strip()):
        raise _wrong("must be a whole number: milliseconds since 1970")
    if int(text) > YEAR_3000:
        raise _wrong("must be milliseconds since 1970, before the year 3000")
    return int(text)


def _message(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise _wrong("must be text, null or absent")
    return value or ""


def _code(value: Any) -> int | None:
    """Return a vendor's code as a number; None if there is none that can be read."""
    text = _number_as_text(value)
    return int(text) if isinstance(text, str) and re.fullmatch(r"[0-9]{1,4}", text.strip()) else None


def _metadata(value: Any) -> Mapping[str, Any]:
    parsed = loads_leniently(value)
    return parsed if isinstance(parsed, dict) else {}


def _client_group_id(value: Any) -> str:
    """Return the id chosen by the customer's app; "" if it cannot be read as one."""
    text = _number_as_text(value)
    return text if isinstance(text, str) and len(text) <= MAX_KEY and key_of(text) is not None else ""


def _title(value: Any) -> str:
    return one_line(value, MAX_TITLE)


class WebhookBody(BaseModel):
    """One webhook's known fields; `key` without its `4-`/`5-`, `time_ms` in milliseconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="allow")

    key: Annotated[str, PlainValidator(message_key)]
    sender: Annotated[str, PlainValidator(_sender), Field(alias="from")]
    time_ms: Annotated[int, PlainValidator(_milliseconds), Field(alias="timeStamp")]
    group_id: Annotated[str, PlainValidator(_group_id), Field(alias="groupId")]
    message: Annotated[str, PlainValidator(_message)] = ""
    title: Annotated[str, PlainValidator(_title), Field(alias="groupName")] = ""
    client_group_id: Annotated[str, PlainValidator(_client_group_id), Field(alias="clientGroupId")] = ""
    content_type: Annotated[int | None, PlainValidator(_code), Field(alias="contentType")] = None
    type: Annotated[int | None, PlainValidator(_code)] = None
    metadata: Annotated[Mapping[str, Any], PlainValidator(_metadata)] = Field(default_factory=dict)
    file: Any = None
    file_meta: Annotated[Any, Field(alias="fileMeta")] = None
    token_message: Annotated[Any, Field(alias="tokenMessage")] = None


KNOWN_FIELDS = frozenset(field.alias or name for name, field in WebhookBody.model_fields.items())
_MISSING: Mapping[str, str] = {
    "groupId": "is missing; without it the message belongs to no conversation (a one-to-one chat?)"
}


def check_fields(fields: Mapping[str, Any]) -> WebhookBody:
    """Return the validated body; raise `Rejected` 422 `invalid_body` that names every wrong field."""
    # Unknown names never reach pydantic, which refuses the whole body for an invalid character in one of them.
    known = {name: value for name, value in fields.items() if name in KNOWN_FIELDS}
    try:
        return WebhookBody.model_validate(known)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        raise _refusal(
            [_detail(str(problem["loc"][0]), problem["type"], problem["msg"]) for problem in problems]
        ) from None


def whose(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ids of the sender and the conversation, "" if unreadable, whatever else is wrong."""
    return _told(_sender, fields.get("from")), _told(_group_id, fields.get("groupId"))


def _told(read: Callable[[Any], str], value: Any) -> str:
    try:
        return read(value)
    except ValueError:
        return ""


def _detail(name: str, kind: str, sentence: str) -> dict[str, Any]:
    return {"field": name, "message": _MISSING.get(name, "is missing") if kind == "missing" else sentence}


def _refusal(details: list[dict[str, Any]]) -> Rejected:
    sentence = "; ".join(f"{detail['field']} {detail['message']}" for detail in details)
    return Rejected(422, "invalid_body", f"{sentence}.", details)
