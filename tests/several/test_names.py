"""A name in front says whose something is; nothing that comes from Slack can put one there."""

from __future__ import annotations

import pytest

from relay.delivery.gates import close_gate
from relay.errors import OperatorNeeded, RateLimited, Rejected
from relay.owners import bare, is_named, owned, owner_of
from relay.sandbox import SandboxServer
from relay.slack.client import SlackClient
from relay.slack.events import message_key, message_of
from relay.slack.fields import identifier
from relay.store.db.engine import Store
from relay.store.queue.gates import seconds_for_post
from relay.vocabulary import Vendor
from tests.delivery.rig import Rig
from tests.harness import FakeClock


@pytest.mark.parametrize(
    ("name", "owner", "own", "by_name"),
    [
        ("C0X", "", "C0X", False),
        ("#night", "", "#night", True),
        ("acme/C0X", "acme", "C0X", False),
        ("acme/#night", "acme", "#night", True),
        ("", "", "", False),
    ],
)
def test_a_name_is_taken_apart_and_put_together(name: str, owner: str, own: str, by_name: bool) -> None:
    assert (owner_of(name), bare(name), is_named(name), owned(owner, own)) == (owner, own, by_name, name)


def test_what_the_plain_account_has_stands_alone() -> None:
    assert owned("default", "123456") == "123456"


@pytest.mark.parametrize("channel", ["C0X", "acme/C0X"])
def test_the_key_of_a_message_tells_where_it_stands(channel: str) -> None:
    key = message_key("T0", channel, "1700000000.000100")
    assert message_of(key) == message_of(f"{key}/1700000001.000000/abc") == (channel, "1700000000.000100")
    assert message_of("T0/V0FORM") is None


def test_no_id_of_slacks_names_a_workspace() -> None:
    with pytest.raises(Rejected):
        identifier({"channel": "acme/C0X"}, "channel")


@pytest.mark.parametrize(("workspace", "channel"), [("", "acme/C0SUPPORT"), ("acme", "C0SUPPORT"), ("acme", "b/C0X")])
def test_a_client_calls_nobody_for_a_channel_of_another_workspace(
    server: SandboxServer, workspace: str, channel: str
) -> None:
    client = SlackClient("xoxb-sandbox", server.slack_api_url, workspace=workspace)
    for call in (
        lambda: client.post(channel, {"text": "x"}, thread_ts=None, send_id="s"),
        lambda: client.update(channel, "1.0", {"text": "x"}),
        lambda: client.delete(channel, "1.0"),
        lambda: client.post_ephemeral(channel, "U0ALEX", "x", thread_ts=None),
        lambda: client.find_posted(channel, "s", thread_ts=None, oldest=None),
        lambda: client.find_channel(channel),
        lambda: client.join(channel),
        lambda: client.react(channel, "1.0", "x"),
        lambda: client.unreact(channel, "1.0", "x"),
        lambda: client.permalink(channel, "1.0"),
        lambda: client.files.share("F0", channel, None),
        lambda: client.files.ids_in(channel, "1.0", "1.0"),
    ):
        with pytest.raises(OperatorNeeded, match="another workspace"):
            call()
    assert {one["method"] for one in server.sandbox.calls} <= {"auth.test"}


def test_three_limited_channels_shut_the_method_of_their_workspace(
    store: Store, server: SandboxServer, clock: FakeClock
) -> None:
    line = Rig(store, server, clock)
    error = RateLimited(30.0, method="chat.postMessage", vendor=Vendor.SLACK)
    with store.begin() as tx:
        for channel in ("C0A", "acme/C0A", "acme/C0B"):
            close_gate(tx, line.out, error, channel=channel)
        assert seconds_for_post(tx, "acme/C0Z", line.out.limits) is None
        close_gate(tx, line.out, error, channel="acme/C0C")
        assert seconds_for_post(tx, "acme/C0Z", line.out.limits) == 30.0
        assert seconds_for_post(tx, "C0Z", line.out.limits) is None
        assert seconds_for_post(tx, "beta/C0Z", line.out.limits) is None
