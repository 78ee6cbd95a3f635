"""Several workspaces of Slack's: channels, threads, people and gates of one are none of another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from relay.sandbox import SandboxServer
from relay.sandbox.slack.interactions import choose, click, submit, use_shortcut
from tests.harness import threads, timeline, words
from tests.replies.desk import EMOJI, GROUP
from tests.several.twins import Twins, refused_token
from tests.store.shelf import rows

IN_ACME = {"shop": {"default_channel": "acme/C0SUPPORT"}}


@pytest.fixture
def twins(make_twins: Callable[..., Twins]) -> Twins:
    """A customer of each account has written; the second one's chat is in a channel of the same id in the workspace
    acme, under the same `ts`.
    """
    twins = make_twins(**IN_ACME)
    twins.both_write()
    return twins


def go_on(twins: Twins, seconds: float = 10) -> None:
    twins.carry()
    twins.run(seconds)
    twins.carry()
    twins.run(seconds)


def roots(server: SandboxServer) -> list[tuple[str, str]]:
    return [(one["channel"], one["ts"]) for one in timeline(server) if one["thread_ts"] is None]


def shown(twins: Twins) -> list[str]:
    return [line.split("\n")[-1] for line in twins.shown()]


def shown_there(twins: Twins) -> list[str]:
    return [line.split("\n")[-1] for line in twins.shown_there()]


def test_each_chat_is_shown_in_its_workspace_and_answered_from_there(twins: Twins) -> None:
    assert roots(twins.server) == roots(twins.there)  # nothing but the workspace tells them apart
    twins.agent_there("for Ines")
    twins.agent("for Jane")
    go_on(twins)
    assert (twins.reached(), twins.reached_there()) == (["for Jane"], ["for Ines"])
    twins.assert_nothing_leaked()
    (conversation,) = rows(twins.store, "conversations", account="shop")
    assert (conversation.channel_id, conversation.workspace) == ("acme/C0SUPPORT", "acme")


def test_the_mark_stands_on_the_message_in_its_workspace(twins: Twins) -> None:
    message = twins.agent_there("for Ines")
    go_on(twins)
    assert [EMOJI[name] for name in message.reactions] == ["sent"]
    assert all(not one.reactions for one in twins.sandbox.slack.messages)


def test_an_edit_and_a_click_reach_their_own_chat(twins: Twins) -> None:
    (thread,) = threads(twins.there, "C0SUPPORT")
    click(twins.there.sandbox.slack, "C0SUPPORT", thread, "take_over", user="U0ALEX")
    go_on(twins)
    message = twins.agent_there("first")
    twins.carry()
    twins.there.sandbox.slack.human_edits("C0SUPPORT", message.ts, "second")
    go_on(twins)
    assert twins.reached_there() == ["second"]
    holders = {row.account: row.holder for row in rows(twins.store, "conversations")}
    assert holders == {"default": "nobody", "shop": "agent"}


def test_one_workspaces_secret_cannot_speak_in_anothers_thread(twins: Twins) -> None:
    """Whoever runs the app of acme signs what they like, and names a thread of the plain workspace."""
    twins.learn_identities()
    twins.agent("by Alex")
    item = twins.mail[-1]
    twins.mail.clear()
    twins.there.sandbox.slack.sender.sign(item)
    assert twins.carry(item) == [200]  # of another team: ignored
    item.body = item.body.replace(b"T0SANDBOX", b"T0ACME")
    twins.there.sandbox.slack.sender.sign(item)
    assert twins.carry(item) == [200]
    twins.run(10)
    assert twins.reached() == []
    assert twins.reached_there() == ["by Alex"]  # there is a thread of the same name, and it is acme's own


def test_what_a_body_says_of_its_workspace_is_not_believed(twins: Twins) -> None:
    twins.agent_there("for Ines")
    item = twins.mail[-1]
    twins.mail.clear()
    item.body = item.body[:-1] + b', "relay_workspace": ""}'
    twins.there.sandbox.slack.sender.sign(item)
    twins.carry(item)
    twins.run(10)
    assert (twins.reached(), twins.reached_there()) == ([], ["for Ines"])


def test_workspaces_that_share_an_app_are_told_apart_by_their_team(twins: Twins) -> None:
    """One app, one signing secret, two installations."""
    settings = twins.relay.settings
    acme = replace(settings.workspaces["acme"], signing_secrets=settings.slack_signing_secrets)
    twins.relay.settings = replace(settings, workspaces={"acme": acme})
    twins.there.sandbox.slack.sender.signing_secret = twins.sandbox.slack.sender.signing_secret
    twins.agent_there("for Ines")
    item = twins.mail[-1]
    assert twins.carry(item) == [503]  # not known yet whose it is: Slack sends it again
    twins.learn_identities()
    twins.agent("for Jane")
    go_on(twins)
    assert (twins.reached(), twins.reached_there()) == (["for Jane"], ["for Ines"])


def test_a_workspace_whose_token_is_refused_holds_up_no_other(twins: Twins) -> None:
    refused_token(twins)
    twins.both_write("m3", "m4")
    twins.customer("m5")
    assert shown(twins) == ["m1 here", "m3", "m5"]
    assert shown_there(twins) == ["m2 there"]
    ((_, cause),) = twins.waiting()
    assert "invalid_auth" in cause
    twins.there.sandbox.slack.bot_token = "xoxb-acme"
    twins.run(400)
    assert shown_there(twins) == ["m2 there", "m4"]
    assert twins.waiting() == twins.dead() == []


def test_people_are_told_of_a_workspace_that_is_refused(make_twins: Callable[..., Twins]) -> None:
    twins = make_twins(**IN_ACME, alerts={"channel": "C0OPS"})
    refused_token(twins)
    twins.both_write()
    twins.chores()
    told = [words(one) for one in twins.roots() if one["channel"] == "C0OPS"]
    assert len(told) == 1
    assert "cannot use the workspace acme" in told[0]
    assert ": ACME_SLACK_BOT_TOKEN is wrong" in told[0]
    twins.run(600)
    twins.chores()
    assert len([one for one in twins.roots() if one["channel"] == "C0OPS"]) == 1  # it is not late besides


def test_a_limit_of_one_workspace_is_no_others(twins: Twins) -> None:
    faults = twins.there.sandbox.faults
    faults.add("chat.postMessage", "ratelimited", retry_after="3600")
    twins.both_write("m3", "m4")
    twins.customer("m5")
    assert shown(twins) == ["m1 here", "m3", "m5"]
    assert [row.name for row in rows(twins.store, "gates", scope="channel") if row.closed_until] == ["acme/C0SUPPORT"]


def test_a_slack_that_is_away_for_one_workspace_is_there_for_the_other(twins: Twins) -> None:
    twins.there.stop()
    twins.both_write("m3", "m4")
    twins.customer("m5")
    assert shown(twins) == ["m1 here", "m3", "m5"]
    assert [row.name for row in rows(twins.store, "gates", scope="workspace")] == ["acme"]
    twins.there.start()
    twins.run(120)
    assert shown_there(twins) == ["m2 there", "m4"]


def test_a_look_of_one_workspace_is_held_back_by_no_other(twins: Twins) -> None:
    """A post whose answer was lost is looked for in its own workspace, also while the other lets nobody look."""
    for method in ("conversations.history", "conversations.replies"):
        twins.sandbox.faults.add(method, "ratelimited", retry_after="3600", times=None)
    twins.sandbox.faults.add("chat.postMessage", "reset_after")
    twins.there.sandbox.faults.add("chat.postMessage", "reset_after")
    twins.both_write("m3", "m4")
    twins.run(60)
    assert shown_there(twins) == ["m2 there", "m4"]
    states = {(row.channel, row.state) for row in rows(twins.store, "sends", kind="post")}
    assert states - {("C0SUPPORT", "delivered")} == {("C0SUPPORT", "unsure"), ("acme/C0SUPPORT", "delivered")}


def test_a_channel_is_found_by_its_name_in_its_own_workspace(make_twins: Callable[..., Twins]) -> None:
    twins = make_twins(channels={}, shop={"default_channel": "acme/#night"}, default_channel="#night")
    twins.sandbox.slack.add_channel("C0NIGHTHERE", "night")
    twins.there.sandbox.slack.add_channel("C0NIGHTTHERE", "night")
    twins.both_write()
    assert [channel for channel, _ in roots(twins.server)] == ["C0NIGHTHERE"]
    assert [channel for channel, _ in roots(twins.there)] == ["C0NIGHTTHERE"]


def test_files_go_both_ways_with_the_token_of_their_workspace(twins: Twins) -> None:
    """Links begin with the address at which the plain workspace reaches the relay."""
    twins.sandbox.kommunicate.customer_writes(GROUP, "m3 here", name="Jane")
    go_on(twins, 10)
    twins.agent("for Jane")
    go_on(twins, 10)
    paper = twins.there.sandbox.slack.cabinet.put("bill.pdf", content=b"%PDF-1.4 bill")
    twins.agent_there("see this", files=[paper])
    go_on(twins, 30)
    (reached,) = twins.reached_there()
    assert reached.startswith("see this")
    assert "/files/" in reached
    twins.there.sandbox.kommunicate.customer_writes(GROUP, "", attachment="broken-mug.png", name="Ines")
    go_on(twins, 30)
    assert twins.sandbox.shown == {"xoxb-sandbox", "sandbox-key"}
    twins.assert_nothing_leaked()


def test_a_form_answers_the_chat_that_it_was_opened_for(make_twins: Callable[..., Twins]) -> None:
    twins = make_twins(**IN_ACME, saved_replies={"Hours": "We are open."})
    twins.both_write()
    slack = twins.there.sandbox.slack
    (thread,) = threads(twins.there, "C0SUPPORT")
    use_shortcut(slack, "C0SUPPORT", thread, "saved_replies")
    twins.carry()
    choose(slack, slack.views[-1]["id"], "choose", "Hours")
    twins.carry()
    submit(slack, slack.views[-1]["id"], {})
    go_on(twins)
    assert (twins.reached(), twins.reached_there()) == ([], ["We are open."])
    assert twins.sandbox.slack.views == []


def test_whose_mention_it_is_tells_the_workspace(make_twins: Callable[..., Twins]) -> None:
    """Alex has an id of their own in each workspace, and the map may name both."""
    people = {"U0KIM": "sam@sandbox.test", "acme/U0SAM": "kim@sandbox.test"}
    twins = make_twins(**IN_ACME, replies={"map": people})
    twins.both_write()
    twins.agent("by Kim", user="U0KIM")
    twins.agent_there("by Sam", user="U0SAM")
    go_on(twins)
    senders = [
        {line.sender.user_id for line in one.kommunicate.conversation(GROUP).lines if line.source == 4}
        for one in (twins.sandbox, twins.there.sandbox)
    ]
    assert (twins.reached(), twins.reached_there()) == (["by Kim"], ["by Sam"])
    assert senders == [{"sam@sandbox.test"}, {"kim@sandbox.test"}]


def test_a_workspace_that_is_not_named_any_more_waits_and_nothing_goes_elsewhere(twins: Twins) -> None:
    twins.rename(workspaces=False, **IN_ACME)
    twins.both_write("m3", "m4")
    assert shown(twins) == ["m1 here", "m3"]
    cause = "`slack.workspaces` does not name acme any more"
    assert [why for _, why in twins.waiting()] == [cause]
    twins.run(3600)
    assert ([why for _, why in twins.waiting()], twins.dead()) == ([cause], [])
    twins.rename(**IN_ACME)
    twins.run(400)
    assert shown_there(twins)[:2] == ["m2 there", "m4"]
    assert not {"m2 there", "m4"} & set(shown(twins))


def test_a_chat_that_moves_to_another_workspace_keeps_its_mark_and_its_file(make_twins: Callable[..., Twins]) -> None:
    move = {"name": "vip", "when": {"message": "*vip*"}, "channel": "acme/C0VIP", "follow": True}
    twins = make_twins(channels={}, default_channel="C0SUPPORT", routes=[move])
    twins.sandbox.kommunicate.customer_writes(GROUP, "m1 my mug", name="Jane")
    go_on(twins)
    message = twins.agent("by Alex")
    twins.sandbox.kommunicate.customer_writes(GROUP, "m2 I am a vip", name="Jane")
    go_on(twins)
    assert shown_there(twins) == ["m2 I am a vip"]
    assert [EMOJI[name] for name in message.reactions] == ["sent"]
    twins.agent_there("from acme", channel="C0VIP")
    twins.agent("from before")
    go_on(twins)
    assert twins.reached() == ["by Alex", "from acme", "from before"]
    twins.assert_nothing_leaked()
