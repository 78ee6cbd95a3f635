"""What Slack says that people did, read from its bodies: words, edits, clicks, and what is none of our business."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from slack_bodies import (
    CHANNEL,
    LATER,
    ME,
    ROOT,
    SAID,
    TS,
    TYPED,
    Workspace,
    callback,
    changed,
    deleted,
    message,
    without,
)

from relay.messages import Ignored
from relay.sandbox.slack.values import APP_ID, TEAM_ID
from relay.slack import message_events as why
from relay.slack.agent_files import AgentFile
from relay.slack.events import AgentEdit, AgentWords, Challenge, Uninstalled, event_key
from relay.slack.identity import Identity
from relay.slack.parse import NOT_THE_BOTS, OTHER_KIND, RATE_LIMITED, parse_event

WORDS = AgentWords(TEAM_ID, CHANNEL, ROOT, TS, "U0ALEX", None, (TYPED,), "hi")
EDIT = AgentEdit(TEAM_ID, CHANNEL, ROOT, TS, LATER, "U0ALEX", (TYPED,), "ho")
EDITED: dict[str, Any] = {**SAID, "text": "ho", "edited": {"user": "U0ALEX", "ts": LATER}}
PERSON = {"team_id": TEAM_ID, "user_id": "U0ALEX", "is_bot": False}


def heard(event: dict[str, Any], me: Identity | None = None, **envelope: Any) -> object:
    return parse_event(callback(event, **envelope), me)


def test_it_returns_slacks_challenge() -> None:
    value = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    body = {"token": "x", "challenge": value, "type": "url_verification"}
    assert parse_event(json.dumps(body).encode()) == Challenge(value)


SHARED = (AgentFile("F1", "a.png"), AgentFile("F2", "B"), AgentFile("F3", "file", reason="it was deleted in Slack"))
FILES = [{"id": "F1", "name": "a.png", "title": "A"}, {"id": "F2", "title": "B"}, {"id": "F3", "mode": "tombstone"}]
SPOKEN = {
    "words": ({}, WORDS),
    "words without blocks": ({"blocks": ...}, replace(WORDS, blocks=())),
    "blocks of other kinds": ({"blocks": [{"type": "call"}, TYPED, {}]},
                              replace(WORDS, beside=("calls", "attachments"))),
    "a picture": ({"blocks": [TYPED, {"type": "image", "image_url": "https://media.example/x.gif", "alt_text": "x"}]},
                  replace(WORDS, beside=("pictures",))),
    "nothing but a shared message": (
        {"text": "", "blocks": None, "attachments": [{"is_share": True, "is_msg_unfurl": True, "text": "x"}]},
        replace(WORDS, blocks=(), text="", beside=("forwarded messages",))),
    "the preview of a link": ({"attachments": [{"from_url": "https://a.example", "image_url": "x"}]}, WORDS),
    "what an app attached": ({"attachments": [{"text": "x"}, {"image_url": "x"}, "junk"]},
                             replace(WORDS, beside=("attachments", "pictures"))),
    "words with their own id": ({"client_msg_id": "a-1"}, replace(WORDS, client_msg_id="a-1")),
    "odd characters": ({"text": "\x00\ud800"}, replace(WORDS, text="\x00\ud800")),
    "files": ({"subtype": "file_share", "files": FILES},
              replace(WORDS, subtype="file_share", files=SHARED, beside=("files",))),
    "words shown in the channel too": ({"subtype": "thread_broadcast", "root": {"ts": ROOT, "bot_id": "B1"}},
                                       replace(WORDS, subtype="thread_broadcast", broadcast=True)),
    "/me": ({"subtype": "me_message"}, replace(WORDS, subtype="me_message")),
    "no bot": ({"bot_id": None, "app_id": None, "subtype": None}, WORDS),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), SPOKEN.values(), ids=SPOKEN)
def test_it_reads_what_an_agent_wrote(changes: dict[str, Any], words: AgentWords) -> None:
    assert heard(message(**changes)) == words
    assert heard(message(**changes), ME) == words


NOT_WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "a bot's": ({"bot_id": "B9"}, why.BY_A_BOT),
    "a bot's with a file": ({"bot_id": "B9", "subtype": "file_share"}, why.BY_A_BOT),
    "a bot's without an id": ({"subtype": "bot_message", "username": "Jane", "user": ...}, why.BY_A_BOT),
    "our own, customized": ({"subtype": "bot_message", "bot_id": ME.bot_id, "user": ...}, why.BY_A_BOT),
    "by our user, as the event names it": ({"user": "U0BOT"}, why.OWN),
    "by our app, as the event names it": ({"app_id": APP_ID}, why.OWN),
    "somebody joined": ({"subtype": "channel_join"}, why.NOTICE),
    "a reply was counted": ({"subtype": "message_replied", "user": ...}, why.NOTICE),
    "a key was revoked": ({"subtype": "ekm_access_denied", "user": "UREVOKEDU"}, why.NOTICE),
    "a tombstone": ({"subtype": "tombstone", "user": "USLACKBOT"}, why.NOTICE),
    "of a subtype to come": ({"subtype": "x" * 3000}, why.NOTICE),
    "without a thread": ({"thread_ts": ...}, why.NOT_IN_A_THREAD),
    "with no thread": ({"thread_ts": None}, why.NOT_IN_A_THREAD),
    "a root": ({"thread_ts": TS}, why.NOT_IN_A_THREAD),
    "nobody's": ({"user": ...}, why.NO_AUTHOR),
}


@pytest.mark.parametrize(("changes", "reason"), NOT_WORDS.values(), ids=NOT_WORDS)
def test_what_no_agent_wrote_in_a_thread_is_put_aside(changes: dict[str, Any], reason: str) -> None:
    assert heard(message(**changes)) == Ignored(reason)


@pytest.mark.parametrize("name", sorted(set(NOT_WORDS) - {"a tombstone", "nobody's"}))
def test_an_edit_of_what_no_agent_wrote_in_a_thread_is_put_aside(name: str) -> None:
    """A tombstone is a deletion, and an edit by nobody is that of a message we know."""
    changes, reason = NOT_WORDS[name]
    after = {name: value for name, value in {**EDITED, **changes}.items() if value is not ...}
    assert heard(changed(after)) == Ignored(reason)


@pytest.mark.parametrize("whose", [{"user": ME.user_id}, {"app_id": ME.app_id}])
def test_its_own_posts_are_known_by_what_slack_said_of_it(whose: dict[str, Any]) -> None:
    """The event may name nobody: what auth.test told counts too."""
    assert heard(message(**whose), api_app_id=...) == replace(WORDS, user_id=whose.get("user", "U0ALEX"))
    for envelope in ({}, {"authorizations": None}, {"authorizations": ..., "api_app_id": ...}):
        assert heard(message(**whose), ME, **envelope) == Ignored(why.OWN)
    assert heard(message(), replace(ME, app_id=None), api_app_id=..., authorizations=...) == WORDS


def test_a_person_who_authorized_the_app_is_not_the_app() -> None:
    assert heard(message(), authorizations=[PERSON]) == WORDS


EDITS = {
    "an edit": (changed(EDITED), EDIT),
    "an edit without its time": (changed(without(EDITED, "edited")), EDIT),
    "an edit whose event repeats the message's time": (changed(without(EDITED, "edited"), ts=TS), EDIT),
    "an edit whose own time is whole seconds": (changed({**EDITED, "edited": {"ts": "1712345699.000000"}}),
                                                replace(EDIT, edited_ts="1712345699.000000")),
    "an edit of the blocks alone": (changed({**EDITED, "text": "hi", "blocks": []}),
                                    replace(EDIT, text="hi", blocks=())),
    "an edit of who knows what": (changed(EDITED, None), EDIT),
    "an edit of a broadcast": (changed({**EDITED, "subtype": "thread_broadcast"}), EDIT),
    "an edit by nobody": (changed(without(EDITED, "user")), replace(EDIT, user_id=None)),
    "a deletion": (deleted(), replace(EDIT, blocks=(), text="", deleted=True)),
    "a deletion of who knows what": (deleted(None),
                                     replace(EDIT, thread_ts=None, user_id=None, blocks=(), text="", deleted=True)),
    "a deletion that left a tombstone": (
        changed({"subtype": "tombstone", "user": "USLACKBOT", "ts": TS, "text": "This message was deleted."}),
        replace(EDIT, blocks=(), text="", deleted=True)),
}  # fmt: skip


@pytest.mark.parametrize(("event", "edit"), EDITS.values(), ids=EDITS)
def test_it_reads_edits_and_deletions(event: dict[str, Any], edit: AgentEdit) -> None:
    assert heard(event) == edit


A, B = ({"id": "F1", "name": "a.png", "mode": "hosted"}, {"id": "F2", "name": "b.png", "mode": "hosted"})
A_GONE, A_HIDDEN = {"id": "F1", "mode": "tombstone"}, {"id": "F1", "mode": "hidden_by_limit"}
SHARE, AT = {**SAID, "subtype": "file_share"}, {"edited": {"ts": LATER}}
LESS = replace(EDIT, edited_ts=TS, text="hi", files_gone=("F1",), same_words=True)
LESS_FILES = {
    "a tombstone in its place": (changed({**SHARE, "files": [A_GONE, B]}, {**SHARE, "files": [A, B]}), LESS),
    "nothing in its place": (changed({**SHARE, "files": [B]}, {**SHARE, "files": [A, B]}), LESS),
    "no files at all": (changed({**SHARE, "files": []}, {**SHARE, "files": [A]}), LESS),
    "a tombstone in who knows what": (changed({**SHARE, "files": [A_GONE, B]}, None), LESS),
    "a tombstone where no file was told of": (changed({**SHARE, "files": [A_GONE]}, SAID), LESS),
    "a second one": (
        changed({**SHARE, "files": [B, A_GONE]}, {**SHARE, "files": [{**B, "mode": "tombstone"}, A]}), LESS),
    "two at once": (
        changed({**SHARE, "files": []}, {**SHARE, "files": [A, B]}), replace(LESS, files_gone=("F1", "F2"))),
    "in what was edited before": (changed({**SHARE, **AT, "files": [A_GONE]}, {**SHARE, **AT, "files": [A]}),
                                  replace(LESS, edited_ts=LATER)),
    "together with the words": (changed({**EDITED, "files": [A_GONE]}, {**SHARE, "files": [A]}),
                                replace(EDIT, files_gone=("F1",))),
    "all that there was": (changed({**SHARE, "text": "", "blocks": [], "files": [A_GONE]},
                                   {**SHARE, "text": "", "blocks": [], "files": [A]}),
                           replace(EDIT, blocks=(), text="", deleted=True)),
    "all but another file": (changed({**SHARE, "text": "", "blocks": [], "files": [A_GONE, B]},
                                     {**SHARE, "text": "", "blocks": [], "files": [A, B]}),
                             replace(LESS, blocks=(), text="")),
}  # fmt: skip


@pytest.mark.parametrize(("event", "edit"), LESS_FILES.values(), ids=LESS_FILES)
def test_it_reads_which_files_were_deleted(event: dict[str, Any], edit: AgentEdit) -> None:
    assert heard(event) == edit


def test_two_deleted_files_are_two_changes_and_an_edit_keeps_its_key() -> None:
    assert event_key(LESS) != event_key(replace(LESS, files_gone=("F2",)))
    assert event_key(LESS) != event_key(replace(LESS, files_gone=(), same_words=False))
    assert event_key(EDIT).rpartition("/")[2] == "fcd65e8c14fd"


UNFURLED = {**SAID, "attachments": [{"from_url": "https://example.com"}]}
NOT_EDITS = {
    "an unfurled link": (changed(UNFURLED), why.SAME_WORDS),
    "an unfurled link in what was edited": (changed({**EDITED, **UNFURLED}), why.SAME_WORDS),
    "a link unfurled in who knows what": (changed(UNFURLED, None), why.SAME_WORDS),
    "a tombstone that was one before": (changed({**SHARE, "files": [A_GONE]}, {**SHARE, "files": [A_GONE]}),
                                        why.SAME_WORDS),
    "no list of files": (changed(SAID, {**SHARE, "files": [A]}), why.SAME_WORDS),
    "a file that the plan hides": (changed({**SHARE, "files": [A_HIDDEN]}, {**SHARE, "files": [A]}), why.SAME_WORDS),
    "one file more": (changed({**SHARE, "files": [A, B]}, {**SHARE, "files": [A]}), why.SAME_WORDS),
    "files without ids": (changed({**SHARE, "files": [{"mode": "tombstone"}, {"id": 7}]}, {**SHARE, "files": [{}]}),
                          why.SAME_WORDS),
    "a file of our own": (changed({**SHARE, "files": [A_GONE], "user": "U0BOT"}, {**SHARE, "files": [A]}), why.OWN),
    "a bot's, before it was known": (changed(EDITED, {**SAID, "bot_id": "B9"}), why.BY_A_BOT),
    "our own deletion": (deleted({**SAID, "bot_id": "B9"}), why.BY_A_BOT),
    "a deletion of our user's": (deleted({**SAID, "user": "U0BOT"}), why.OWN),
    "a deletion of a notice": (deleted({**SAID, "subtype": "channel_join"}), why.NOTICE),
    "a deletion outside": (deleted(without(SAID, "thread_ts")), why.NOT_IN_A_THREAD),
    "a root's tombstone": (changed({"subtype": "tombstone", "ts": TS}, {**SAID, "thread_ts": TS}),
                           why.NOT_IN_A_THREAD),
}  # fmt: skip


@pytest.mark.parametrize(("event", "reason"), NOT_EDITS.values(), ids=NOT_EDITS)
def test_what_changed_nobodys_words_is_put_aside(event: dict[str, Any], reason: str) -> None:
    assert heard(event) == Ignored(reason)


REVOKED: dict[str, Any] = {"type": "tokens_revoked", "event_ts": LATER}
OTHERS = {
    "uninstalled": ({"type": "app_uninstalled"}, Uninstalled(TEAM_ID, "app_uninstalled")),
    "revoked": ({**REVOKED, "tokens": {"oauth": ["U1"], "bot": ["U0BOT"]}}, Uninstalled(TEAM_ID, "tokens_revoked")),
    "revoked, without saying whose": (REVOKED, Uninstalled(TEAM_ID, "tokens_revoked")),
    "a person's token revoked": ({**REVOKED, "tokens": {"oauth": ["U1"], "bot": []}}, Ignored(NOT_THE_BOTS)),
    "archived": ({"type": "channel_archive", "channel": CHANNEL, "user": "U1"}, Ignored(OTHER_KIND)),
    "of a kind to come": ({"type": "message.v2"}, Ignored(OTHER_KIND)),
}


@pytest.mark.parametrize(("event", "outcome"), OTHERS.values(), ids=OTHERS)
def test_it_reads_events_that_are_no_messages(event: dict[str, Any], outcome: object) -> None:
    assert heard(event) == outcome


def test_calls_of_other_kinds_are_put_aside() -> None:
    assert parse_event(callback(None, type="app_rate_limited")) == Ignored(RATE_LIMITED)
    assert parse_event(callback(None, type="something_new")) == Ignored(OTHER_KIND)


def test_keys_are_what_repetitions_have_in_common() -> None:
    assert event_key(WORDS) == f"{TEAM_ID}/{CHANNEL}/{TS}"
    assert event_key(EDIT).startswith(f"{TEAM_ID}/{CHANNEL}/{TS}/{LATER}/")
    assert event_key(EDIT) != event_key(replace(EDIT, text="another edit within the same second"))
    again = parse_event(callback(message(event_ts="1.1", text="other"), event_id="Ev2", event_time=5))
    assert isinstance(again, AgentWords)
    assert event_key(again) == event_key(WORDS)


def test_it_reads_what_the_sandbox_sends_of_an_agent() -> None:
    """Words, an edit and a deletion, each under a key of its own."""
    workspace = Workspace()
    said = workspace.agent_writes("a < b, see https://example.com")
    words = parse_event(workspace.last.body, ME)
    workspace.human_edits(CHANNEL, said.ts, "c & d")
    edit = parse_event(workspace.last.body, ME)
    workspace.human_deletes(CHANNEL, said.ts)
    gone = parse_event(workspace.last.body, ME)
    assert isinstance(words, AgentWords)
    assert isinstance(edit, AgentEdit)
    assert isinstance(gone, AgentEdit)
    assert (words.text, words.client_msg_id, words.thread_ts) == (
        "a &lt; b, see <https://example.com>", said.client_msg_id, workspace.root.ts)  # fmt: skip
    assert (edit.text, edit.deleted) == ("c &amp; d", False)
    assert (gone.text, gone.blocks, gone.deleted) == ("", (), True)
    assert {each.user_id for each in (words, edit, gone)} == {"U0ALEX"}
    assert [event_key(each).removeprefix(event_key(words))[:18] for each in (words, edit, gone)] == [
        "", f"/{edit.edited_ts}", f"/{gone.edited_ts}"]  # fmt: skip


@pytest.mark.parametrize("me", [None, ME])
def test_nothing_the_relay_itself_does_comes_back_as_an_agents(me: Identity | None) -> None:
    """Posted, changed, deleted, in a thread and as a root, with and without an answer below."""
    workspace = Workspace()
    reply = workspace.relay_posts(workspace.root.ts)
    workspace.human_writes(CHANNEL, "not in a thread")
    for ts in (reply.ts, workspace.root.ts):
        workspace.human_edits(CHANNEL, ts, "changed")
    workspace.human_deletes(CHANNEL, workspace.root.ts)
    workspace.human_deletes(CHANNEL, reply.ts)
    workspace.archive(CHANNEL)
    outcomes = [parse_event(sent.body, me) for sent in workspace.kept.sent]
    assert len(outcomes) == 8
    assert {type(outcome) for outcome in outcomes} == {Ignored}
