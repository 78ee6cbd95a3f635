"""HTTP in -> real database -> worker -> sandbox over HTTP."""

from __future__ import annotations

import pytest

from relay.delivery.worker import Worker
from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import Store
from relay.web import create_app
from tests.harness import FakeClock, auth, body, context_with, drain, picture, relay_with, threads, words


class Line:
    """A relay between a test client and a sandbox."""

    def __init__(self, store: Store, server: SandboxServer, clock: FakeClock, **config: object) -> None:
        self.server, self.clock = server, clock
        self.client = create_app(relay_with(store, server, **config)).test_client()
        self.worker = Worker(context_with(store, server, **config))

    def post(self, *args: object, **fields: object) -> dict[str, object]:
        response = self.client.post("/kommunicate/webhook", json=body(*args, **fields), headers=auth())
        assert response.status_code == 200
        return response.get_json()

    def threads(self, channel: str | None = None, seconds: float = 30.0) -> list[list[dict[str, object]]]:
        drain(self.worker, self.clock, seconds=seconds)
        return list(threads(self.server, channel).values())


@pytest.fixture
def line(store: Store, server: SandboxServer, clock: FakeClock) -> Line:
    return Line(store, server, clock, channels={"123456": "C0SUPPORT"})


def test_a_chat_becomes_one_thread_in_its_channel(line: Line) -> None:
    line.post("k1", text="My mug is broken")
    line.post("k2", text="Here is a picture", file=picture())
    ((root, *replies),) = line.threads()
    assert root["channel"] == "C0SUPPORT"
    assert "Read only: replies here do not reach the customer" in words(root)
    shown = "\n".join(words(reply) for reply in replies)
    assert shown.index("My mug is broken") < shown.index("Here is a picture")
    images = [block for reply in replies for block in reply["blocks"] if block["type"] == "image"]
    assert [image["image_url"] for image in images] == ["https://files.sandbox.test/broken-mug.png"]


def test_the_same_key_is_posted_once(line: Line) -> None:
    assert line.post("5-user-1")["status"] == "accepted"
    assert line.post("4-user-1")["status"] == "duplicate"
    ((_, *replies),) = line.threads()
    assert len(replies) == 1


def test_an_unmapped_group_goes_to_the_default_channel(line: Line) -> None:
    line.post("k1", 777, "Hello there")
    assert [thread[0]["channel"] for thread in line.threads()] == ["C0GENERAL"]


def test_what_a_customer_types_is_shown_as_typed_and_pings_nobody(line: Line) -> None:
    typed = "<!channel> @here <@U123> *x* <http://a|b> &lt;"
    line.post("k1", text=typed)
    ((root, reply),) = line.threads()
    assert typed in words(root)
    assert typed in words(reply)
    assert not root["pings"]
    assert not reply["pings"]


def test_a_picture_slack_cannot_fetch_is_named_instead(line: Line) -> None:
    line.post("k1", text="Look", file=picture("gone.png"))
    ((_, reply),) = line.threads()
    assert "gone.png" in words(reply)
    assert "2.8 kB" in words(reply)
    assert not [block for block in reply["blocks"] if block["type"] == "image"]


def test_a_long_text_is_split_and_never_cut(line: Line) -> None:
    text = " ".join(f"word{number}" for number in range(9000))
    line.post("k1", text=text)
    ((_, *replies),) = line.threads(seconds=60)
    pieces = [
        element["text"]
        for reply in replies
        for block in reply["blocks"]
        if block["type"] == "rich_text"
        for section in block["elements"]
        for element in section["elements"]
    ]
    assert "".join(pieces) == text
    assert len(replies) > 1


def test_a_deleted_root_is_replaced_and_the_stray_removed(line: Line, sandbox: Sandbox) -> None:
    line.post("k1", text="first")
    ((root, first),) = line.threads()
    sandbox.slack.human_deletes(root["channel"], first["ts"])
    sandbox.slack.human_deletes(root["channel"], root["ts"])
    line.post("k2", text="second")
    ((new_root, second),) = line.threads()
    assert new_root["ts"] != root["ts"]
    assert "second" in words(second)
