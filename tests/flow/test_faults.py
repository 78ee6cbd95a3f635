"""Whatever Slack does: nothing lost, nothing doubled, nothing out of order, nothing early."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from tests.delivery.rig import QUICK, Rig
from tests.harness import FakeClock, timeline, words

SILENCE = {
    "reset": {"kind": "reset_after"},
    "reset, not done": {"kind": "reset_before"},
    "timeout": {"kind": "timeout_after", "seconds": 60},
    "timeout, not done": {"kind": "timeout_before", "seconds": 60},
    "500": {"kind": "status", "done": True},
    "500, not done": {"kind": "status"},
    "half of the JSON": {"kind": "truncated"},
    "a proxy's page": {"kind": "html", "done": True},
    "a proxy's page, not done": {"kind": "html"},
    "one byte at a time": {"kind": "drip"},
    "internal_error": {"kind": "error", "code": "internal_error"},
}
RETRY_AFTER = {"1": 1, "30": 30, "3600": 3600, None: 1, "abc": 1, "-5": 1, "Wed, 21 Oct 2026 07:28:00 GMT": 1}


@pytest.fixture
def rig(store: Store, server: SandboxServer, clock: FakeClock) -> Callable[..., Rig]:
    return lambda **config: Rig(store, server, clock, **config)


@pytest.mark.parametrize("call", [0, 1], ids=["root", "post"])
@pytest.mark.parametrize("rule", SILENCE.values(), ids=SILENCE)
def test_silence_loses_and_doubles_nothing(rig: Callable[..., Rig], rule: dict[str, object], call: int) -> None:
    """On the card, or on the first post; others of the conversation keep their place, and no copy has to be deleted."""
    line = rig(delivery=QUICK)
    line.fault(**rule, after=call)  # type: ignore[arg-type]
    line.write("m1", "m2")
    line.run()
    line.write("m3")
    line.run(90)
    assert (line.told(), len(line.roots()), line.waiting()) == (["m1", "m2", "m3"], 1, [])
    assert not any(message.deleted for message in line.sandbox.slack.messages)


def test_silence_again_and_again_loses_and_doubles_nothing(rig: Callable[..., Rig]) -> None:
    """Every post of three conversations meets with something else."""
    line = rig(delivery={**QUICK, "posts_per_second": 100, "burst": 100})
    line.sandbox.slack.pacing.pace = 0
    for number, rule in enumerate(SILENCE.values()):
        line.fault(**rule, after=number % 2)  # type: ignore[arg-type]
    for number in range(4):
        line.write(f"m{number}", group="7")
        line.write(f"m{number + 10}", group="8")
        line.run(2)
    line.run(120)
    assert sorted(line.told(), key=lambda mark: int(mark[1:]) >= 10) == [
        *(f"m{n}" for n in (0, 1, 2, 3, 10, 11, 12, 13))
    ]
    assert (len(line.roots()), line.waiting()) == (2, [])


@pytest.mark.parametrize("call", [0, 1], ids=["root", "post"])
def test_the_later_of_two_copies_is_deleted(rig: Callable[..., Rig], call: int) -> None:
    """History lags longer than the last look waits: the copy stands in Slack for a minute."""
    line = rig()
    line.sandbox.slack.history_lag = 30.0
    line.fault("reset_after", after=call)
    line.write("m1")
    line.run(20)
    assert (line.told().count("m1") + len(line.roots())) == 3
    line.write("m2")
    line.run(120)
    assert (line.told(), len(line.roots()), line.waiting()) == (["m1", "m2"], 1, [])


@pytest.mark.parametrize(
    ("header", "seconds", "status"), [*((*one, 429) for one in RETRY_AFTER.items()), (None, 1, 200), ("30", 30, 200)]
)
def test_a_limit_is_kept_to_the_second(rig: Callable[..., Rig], header: str | None, seconds: int, status: int) -> None:
    """Not early, not late, and it uses up no attempt."""
    line = rig()
    line.fault("ratelimited", retry_after=header, status=status)
    line.write("m1")
    line.run()
    with line.store.read() as tx:
        assert tx.conn.exec_driver_sql("SELECT attempts, spent FROM lanes").one() == (0, 0.0)
    line.run(seconds + 5)
    first, second, *_ = line.times()
    assert (second - first, line.told()) == (pytest.approx(seconds, abs=0.01), ["m1"])


def test_a_limited_channel_holds_up_no_other(rig: Callable[..., Rig]) -> None:
    line = rig(channels={"1": "C0SUPPORT", "2": "C0VIP"})
    line.fault("ratelimited", retry_after="3600", channel="C0SUPPORT")
    line.write("m1", group="1")
    line.write("m2", group="2")
    line.run(3)
    assert line.told() == ["m2"]
    assert line.waiting() == [("waiting", "rate limited: Slack asked for 3600 s")]


def test_a_limit_on_a_look_is_kept_too(rig: Callable[..., Rig]) -> None:
    """By all lanes: the limit is the method's."""
    line = rig()
    line.write("m1", group="1")
    line.write("m2", group="2")
    line.fault("reset_after", times=2)
    line.fault("ratelimited", "conversations.history", retry_after="30")
    line.run(100)
    first, second, *_ = line.times("conversations.history")
    assert second - first >= 30
    assert (sorted(line.told()), len(line.roots())) == (["m1", "m2"], 2)


def test_only_the_culprit_of_a_refused_batch_degrades(rig: Callable[..., Rig]) -> None:
    """Slack refuses the batch, then the culprit twice; its neighbours are shown as they are."""
    line = rig()
    line.write("m0")
    line.run()
    line.fault("error", code="invalid_blocks", times=2)
    line.write("m1", "m2", "m3")
    line.run(30)
    assert (line.told(), line.dead()) == (["m0", "m1", "m2", "m3"], [])
    assert [reply["blocks"] == [] for reply in line_replies(line)] == [False, True, False, False]


def line_replies(line: Rig) -> list[dict[str, object]]:
    return [message for message in timeline(line.server) if message["thread_ts"]]


def test_a_message_refused_for_good_leaves_one_notice_and_others_go_on(rig: Callable[..., Rig]) -> None:
    """A dead letter that keeps its cause."""
    line = rig()
    line.write("m0")
    line.run()
    line.fault("error", code="invalid_blocks")
    line.fault("error", code="msg_too_long")
    line.write("m1")
    line.run(5)
    line.write("m2")
    line.run(30)
    assert (line.told(), line.dead()) == (["m0", "m2"], ["Slack answered chat.postMessage with msg_too_long"])
    assert ["could not be shown" in said for said in line.shown()].count(True) == 1


def test_a_code_nobody_knows_is_looked_into_and_then_counts_as_a_refusal(rig: Callable[..., Rig]) -> None:
    line = rig()
    line.write("m0")
    line.run()
    line.fault("error", code="brand_new_error", times=6)
    line.write("m1")
    line.run(200)
    line.write("m2")
    line.run(30)
    assert (line.told(), line.dead()) == (["m0", "m2"], ["Slack answered chat.postMessage with brand_new_error"])


def test_a_refused_card_becomes_plain(rig: Callable[..., Rig]) -> None:
    line = rig()
    line.fault("error", code="invalid_blocks")
    line.write("m1")
    line.run(10)
    assert (line.roots()[0]["blocks"], line.told()) == ([], ["m1"])


def test_a_card_refused_for_good_stops_the_channel_and_buries_nothing(rig: Callable[..., Rig]) -> None:
    """It goes by itself once Slack takes it."""
    line = rig()
    line.fault("error", code="no_text", times=4)
    line.write("m1")
    line.run(10)
    assert line.waiting() == [("waiting", "Slack answered chat.postMessage with no_text")]
    line.run(90)
    assert (line.told(), line.dead()) == (["m1"], [])


def test_an_archived_channel_waits_and_goes_on_by_itself(rig: Callable[..., Rig]) -> None:
    """Others are unaffected; time behind a closed gate buries nothing."""
    line = rig(channels={"1": "C0SUPPORT", "2": "C0VIP"}, delivery={"give_up_after": "10m"})
    line.sandbox.slack.archive("C0SUPPORT")
    line.write("m1", group="1")
    line.write("m2", group="2")
    line.run(30)
    assert (line.told(), "is archived" in line.waiting()[0][1]) == (["m2"], True)
    line.run(3600)
    line.sandbox.slack.archive("C0SUPPORT", archived=False)
    line.run(300)
    assert (line.told(), line.dead()) == (["m2", "m1"], [])


def test_an_archived_channel_is_tried_ever_more_slowly(rig: Callable[..., Rig]) -> None:
    """However many conversations wait for it."""
    line = rig(default_channel="C0SUPPORT")
    line.sandbox.slack.archive("C0SUPPORT")
    for group in ("1", "2", "3", "4"):
        line.write("m1", group=group)
    begun = line.clock.now()
    line.run(1000)
    assert sorted({round(one - begun) for one in line.times()}) == [0, 20, 60, 140, 300, 600, 900]


def test_a_conversation_leaves_an_archived_channel_when_the_mapping_does(rig: Callable[..., Rig]) -> None:
    """Also one whose post had met with silence before."""
    line = rig(delivery=QUICK)
    line.write("m1")
    line.run(5)
    line.fault("reset_before")
    line.write("m2")
    line.run()
    line.sandbox.slack.archive("C0SUPPORT")
    line.run(60)
    assert line.waiting()[0][0] in ("sending", "waiting")
    line.restart(channels={"123456": "C0VIP"})
    line.run(60)
    assert (line.told(), line.roots()[-1]["channel"], line.waiting()) == (["m1", "m2"], "C0VIP", [])


def test_a_revoked_token_stops_everything_and_buries_nothing(rig: Callable[..., Rig]) -> None:
    """Also a post that had just met with silence: it is found, and not sent again."""
    line = rig(delivery={"give_up_after": "10m"})
    line.fault("reset_after", after=1)
    line.write("m1")
    line.run()
    line.sandbox.slack.bot_token = "xoxb-revoked"
    line.write("m2", group="2")
    line.run(3600)
    assert len(line.waiting()) == 2
    line.sandbox.slack.bot_token = "xoxb-sandbox"
    line.run(600)
    assert (sorted(line.told()), line.dead(), line.waiting()) == (["m1", "m2"], [], [])


def test_a_post_that_is_nowhere_after_a_revoked_token_goes_out(rig: Callable[..., Rig]) -> None:
    """Time behind a closed gate is not counted towards giving up."""
    line = rig(delivery={"give_up_after": "10m"})
    line.write("m1")
    line.run()
    line.fault("reset_before")
    line.write("m2")
    line.run()
    line.sandbox.slack.bot_token = "xoxb-revoked"
    line.run(3600)
    line.sandbox.slack.bot_token = "xoxb-sandbox"
    line.run(600)
    assert (line.told(), line.dead()) == (["m1", "m2"], [])


def test_a_deleted_card_without_replies_gives_a_new_thread(rig: Callable[..., Rig]) -> None:
    """Slack puts the reply at the channel's root and says ok; that stray is taken away."""
    line = rig()
    line.write("m1")
    line.run()
    (root,), (reply,) = line.roots(), line_replies(line)
    for message in (reply, root):
        line.sandbox.slack.human_deletes("C0SUPPORT", str(message["ts"]))
    line.write("m2")
    line.run(30)
    assert (line.told(), len(line.roots())) == (["m2"], 1)


def test_a_deleted_card_with_replies_keeps_its_thread(rig: Callable[..., Rig]) -> None:
    """A tombstone stands there, and the thread lives on."""
    line = rig()
    line.write("m1")
    line.run()
    line.sandbox.slack.human_deletes("C0SUPPORT", line.roots()[0]["ts"])
    line.write("m2")
    line.run(30)
    assert (line.told(), line.roots()) == (["m1", "m2"], [])


@pytest.mark.parametrize("failure", [{"kind": "error", "code": "internal_error"}, {"kind": "ratelimited"}])
def test_a_stray_that_cannot_be_deleted_yet_is_deleted_later(rig: Callable[..., Rig], failure: dict[str, str]) -> None:
    """Ever more slowly, and the message is not shown twice meanwhile."""
    line = rig()
    line.write("m1")
    line.run()
    for message in (*line_replies(line), *line.roots()):
        line.sandbox.slack.human_deletes("C0SUPPORT", str(message["ts"]))
    line.fault(**failure, method="chat.delete", times=4, retry_after="7")
    line.write("m2")
    line.run(600)
    assert (line.told(), len(line.roots()), line.waiting()) == (["m2"], 1, [])
    first, second, *_, last = line.times("chat.delete")
    assert (second - first >= 1, last - first >= 20) == (True, True)


def test_a_locked_thread_is_replaced(rig: Callable[..., Rig]) -> None:
    line = rig()
    line.write("m1")
    line.run()
    line.sandbox.slack.lock_thread("C0SUPPORT", line.roots()[0]["ts"])
    line.write("m2")
    line.run(30)
    assert (line.told(), len(line.roots())) == (["m1", "m2"], 2)
    assert "Continued from" in words(line.roots()[1])


def test_where_history_is_unreadable_it_sends_once_more_and_says_so(rig: Callable[..., Rig]) -> None:
    """Silence after that is a dead letter; the scope of reading stops no posts."""
    line = rig()
    line.write("m0")
    line.run()
    line.sandbox.scopes.discard("channels:history")
    line.fault("reset_after")
    line.write("m1")
    line.run(100)
    assert [("m1" in said, "(may be repeated)" in said) for said in line.shown()[1:]] == [(True, False), (True, True)]
    line.fault("reset_before", times=2)
    line.write("m2")
    line.run(100)
    line.write("m3")
    line.run(10)
    assert (line.told(), len(line.dead())) == (["m0", "m1", "m1", "m3"], 1)


def test_where_history_is_unreadable_cards_do_not_pile_up(rig: Callable[..., Rig]) -> None:
    """Each may stand in the channel, so they come ever more slowly."""
    line = rig()
    line.sandbox.scopes.discard("channels:history")
    line.fault("reset_after", times=None)
    line.write("m1")
    line.run(300)
    assert 2 <= len(line.roots()) <= 6


def test_an_unmapped_chat_waits_with_its_reason_and_goes_when_it_is_mapped(rig: Callable[..., Rig]) -> None:
    line = rig(channels={}, default_channel=None)
    line.write("m1", "m2")
    line.run(3600)
    ((state, cause), _) = line.waiting()
    assert (line.roots(), state, "Nothing names 123456" in cause) == ([], "waiting", True)
    line.restart()
    line.run(10)
    assert (line.told(), line.roots()[0]["channel"]) == (["m1", "m2"], "C0SUPPORT")


def test_names_that_cannot_be_looked_up_hold_up_no_words(rig: Callable[..., Rig]) -> None:
    """Kommunicate is down: the id has to do for a name."""
    line = rig()
    line.fault("status", "/*", times=None)
    line.write("m1")
    line.run()
    assert (line.told(), "customer-1" in line.shown()[0]) == (["m1"], True)


def test_a_channel_given_by_name_is_found(rig: Callable[..., Rig]) -> None:
    line = rig(channels={"123456": "#support"})
    line.write("m1")
    line.run()
    assert (line.told(), line.roots()[0]["channel"]) == (["m1"], "C0SUPPORT")


def test_a_name_that_does_not_exist_waits_with_its_cause_until_it_does(rig: Callable[..., Rig]) -> None:
    """Other channels go on."""
    line = rig(channels={"1": "#suppport", "2": "C0VIP"})
    line.write("m1", group="1")
    line.write("m2", group="2")
    line.run(30)
    assert (line.told(), "did you mean #support" in line.waiting()[0][1]) == (["m2"], True)
    line.sandbox.slack.add_channel("C0NEW", "suppport")
    line.run(600)
    assert (line.told(), line.roots()[-1]["channel"]) == (["m2", "m1"], "C0NEW")


def test_a_scope_that_names_need_stops_names_alone(rig: Callable[..., Rig]) -> None:
    """Channels given by their id need no look-up."""
    line = rig(channels={"1": "#support", "2": "C0VIP"})
    line.sandbox.scopes.discard("channels:read")
    line.write("m1", group="1")
    line.run(5)
    line.write("m2", group="2")
    line.run(5)
    assert (line.told(), "channels:read" in line.waiting()[0][1]) == (["m2"], True)


def test_a_limit_on_the_list_of_channels_is_kept(rig: Callable[..., Rig]) -> None:
    """By every conversation that needs the list."""
    line = rig(channels={"1": "#support", "2": "#vip"})
    line.fault("ratelimited", "conversations.list", retry_after="60")
    line.write("m1", group="1")
    line.write("m2", group="2")
    line.run(100)
    first, second, *_ = line.times("conversations.list")
    assert (second - first >= 60, sorted(line.told())) == (True, ["m1", "m2"])


def test_a_bot_that_was_not_invited_joins_a_public_channel(rig: Callable[..., Rig]) -> None:
    line = rig()
    line.sandbox.slack.kick("C0SUPPORT")
    line.write("m1")
    line.run(10)
    assert (line.told(), line.times("conversations.join") != []) == (["m1"], True)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
@pytest.mark.parametrize("rule", [{"kind": "reset_after"}, {"kind": "reset_before"}, {"kind": "ratelimited"}], ids=str)
def test_a_clock_that_jumps_stalls_and_doubles_nothing(rig: Callable[..., Rig], rule: dict, jump: float) -> None:
    """Whatever was waiting for: nothing sleeps longer than a lease."""
    line = rig()
    line.write("m0")
    line.run()
    line.fault(**rule)
    line.write("m1")
    line.run(1)
    line.sandbox.core.now = lambda: max(line.clock.now(), line.clock.now() - jump)  # Slack's clock does not jump
    line.clock.advance(jump)
    line.run(30)
    assert (line.told(), line.waiting()) == (["m0", "m1"], [])


def test_an_orphan_of_two_roots_that_cannot_be_deleted_yet_is_deleted_later(rig: Callable[..., Rig]) -> None:
    """Somebody else opened the thread while this root was on its way."""
    line = rig(delivery=QUICK)
    line.write("m1")
    held, send = line.set_out()
    with line.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE conversations SET thread_ts = '1.1'")
    line.fault("error", "chat.delete", code="internal_error")
    line.succeed(held, send, line.out.slack.post(send.channel, send.payload, thread_ts=None, send_id=send.id))
    line.run(100)
    assert (line.told(), len(line.roots())) == (["m1"], 1)


def test_a_name_is_looked_up_once_for_all_its_conversations(rig: Callable[..., Rig]) -> None:
    """Slack allows twenty such look-ups a minute."""
    line = rig(channels={}, default_channel="#vip")
    for group in range(1, 31):
        line.write(f"m{group}", group=str(group))
    line.run(90)
    assert len(line.told()) == 30
    assert len(line.times("conversations.list")) == 1
