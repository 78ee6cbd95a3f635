"""S3: ids from outside hold anything; none leads to a 5xx or to lost words, whatever is looked up by it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.harness import auth, body, picture
from tests.replies.conftest import make_desk
from tests.replies.desk import Desk
from tests.store.shelf import rows

__all__ = ["make_desk"]

HEADERS = {"Content-Type": "application/json", **auth()}
ODD: list[Any] = ["\x00", "a\x00b", "\ud800", "a\udfffb", "\U0010ffff\x00", "x" * 300, "", " ", 5, 1e300, True, [], {}]
NEEDED = (
    "key",
    "from",
    "groupId",
)  # without these a message is nobody's: they are named in a 422, and the body is kept
NAMED = ("relay_id", "source", "KM_ASSIGN", "assignee", "category", "contentType", "templateId", "payload", "msg_type")


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A conversation with a reply: what comes now may be that reply's echo, and is looked up."""
    desk = make_desk(replies={"undo_seconds": 0})
    desk.customer("m1 hello")
    desk.says("hi")
    desk.run(10)
    assert desk.reached() == ["hi"]
    desk.mail.clear()
    return desk


def send(desk: Desk, number: int, **fields: Any) -> int:
    """The status of one webhook, whose words are `odd` and its number."""
    content = {**body(f"odd-{number}", 123456, f"odd{number}"), "from": "customer-1", **fields}
    return desk.client.post("/kommunicate/webhook", data=json.dumps(content).encode(), headers=HEADERS).status_code


def everywhere() -> Iterator[dict[str, Any]]:
    """One value at a time, wherever the relay reads one that is not needed."""
    for value in ODD:
        yield from ({name: value} for name in ("groupName", "clientGroupId", "to", "metadata", "file", "fileMeta"))
        yield from ({"metadata": {name: value}} for name in NAMED)
        yield from ({"file": {**picture(), name: value}} for name in ("name", "blobKey", "contentType", "size"))
        if isinstance(value, str):
            yield {"metadata": {value: value}}


def test_odd_ids_beside_a_message_lose_none_of_its_words(desk: Desk) -> None:
    cases = list(everywhere())
    assert {send(desk, number, **fields) for number, fields in enumerate(cases)} == {200}
    desk.run(400)
    assert desk.told(mark=r"odd\d+") == [f"odd{number}" for number in range(len(cases))]
    undone = [row for row in rows(desk.store, "deliveries", lane="words") if row.state != "delivered"]
    assert undone == []


@pytest.mark.parametrize("name", NEEDED)
def test_an_odd_id_that_is_needed_is_named_and_its_message_kept(desk: Desk, name: str) -> None:
    refused = [value for value in ODD if isinstance(value, (str, list, dict))]
    assert {send(desk, number, **{name: value}) for number, value in enumerate(refused)} == {422}
    assert len(rows(desk.store, "received", outcome="rejected")) == len(refused)


@pytest.mark.parametrize("value", ["\x00", "{id}\x00", "\ud800", 5, [], {"a": "b"}], ids=ascii)
def test_words_with_an_odd_relay_id_are_no_reply_of_ours(desk: Desk, value: Any) -> None:
    """Whoever knows a reply's id, and adds to it, hides nothing behind it: neither its words nor the reply."""
    sent = rows(desk.store, "sends", kind="reply")[0].id
    named = value.replace("{id}", sent) if isinstance(value, str) else value
    assert send(desk, 1, metadata={"relay_id": named}) == 200
    desk.run(10)
    assert desk.told(mark=r"odd\d+") == ["odd1"]
