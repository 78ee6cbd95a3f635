"""Rendered posts and the client against the sandbox, which refuses what Slack refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_samples import DASHBOARD, PHOTO, a_card, a_line, cards, lines

from relay.errors import Permanent
from relay.messages import Form
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.core import BOT_LOGIN
from relay.slack.client import Found, SlackClient
from relay.slack.render import mark_repeated, render_batch, render_card

NO_PICTURES = lines.map(lambda line: replace(line, form=Form.WITHOUT_PICTURES if line.form is Form.FULL else line.form))


@pytest.fixture(scope="module")
def sandbox():
    with SandboxServer(Sandbox(pace=100_000, burst=100_000)) as server:
        yield server


@pytest.fixture(scope="module")
def strict(sandbox):
    """A client of the sandbox."""
    return SlackClient(BOT_LOGIN, sandbox.slack_api_url)


@pytest.fixture(scope="module")
def channel(strict):
    return strict.find_channel("#support")


def send(strict, channel, payload, send_id="s", thread_ts=None):
    return strict.post(channel, payload, thread_ts=thread_ts, send_id=send_id)


@settings(deadline=None, max_examples=50)
@given(st.lists(NO_PICTURES, max_size=4), cards, st.sampled_from(Form))
def test_it_sends_nothing_that_is_refused(strict, channel, batch, card, form):
    """A strict reader of Slack's pages takes every post, marked or not."""
    root = send(strict, channel, render_card(card, form).payload())
    strict.update(channel, root.ts, render_card(card, form).payload())
    batch = [replace(line, id=number) for number, line in enumerate(batch)]
    for post in render_batch(batch, previous=None, dashboard_url=DASHBOARD):
        send(strict, channel, mark_repeated(post.payload()), thread_ts=root.ts)


def test_it_finds_again_what_it_posted(strict, channel):
    """Root and reply, each by its send id."""
    root = send(strict, channel, render_card(a_card()).payload(), "root-1")
    reply = send(strict, channel, {"text": "x"}, "reply-1", root.ts)
    assert strict.find_posted(channel, "root-1", thread_ts=None, oldest=None) == [Found(root.ts, None)]
    assert strict.find_posted(channel, "reply-1", thread_ts=root.ts, oldest=root.ts) == [Found(reply.ts, root.ts)]


def test_it_learns_that_a_picture_was_refused(strict, channel):
    """The same message in the next lower form is taken."""
    forms = (a_line(attachment=PHOTO, form=form) for form in (Form.FULL, Form.WITHOUT_PICTURES))
    [full], [without] = (render_batch([line], previous=None, dashboard_url=DASHBOARD) for line in forms)
    with pytest.raises(Permanent) as refused:
        send(strict, channel, full.payload())
    assert refused.value.picture
    assert send(strict, channel, without.payload()).ts
