"""What stays inside Slack, and what `>>` sends all the same."""

from __future__ import annotations

import pytest
from slack_typed import NAMES, Node, bullets, code, link, quote, rich, section, table, text, typed, user

from relay.slack.notes import BROADCAST, CHANNEL, GROUP, PREFIX, USER, customer_text, note_reason

PREFIXES = ("note:", "🔒")
GROUP_ELEMENT = {"type": "usergroup", "usergroup_id": "S1"}
CHANNEL_ELEMENT = {"type": "channel", "channel_id": "C1"}
HERE = {"type": "broadcast", "range": "here"}
LOCK = {"type": "emoji", "name": "lock", "unicode": "1f512"}


@pytest.mark.parametrize(
    "blocks",
    [
        typed("note: he is angry"),
        typed("NOTE:x"),
        typed(" \n\u200b\u00a0Note: x"),
        typed("note\uff1a x"),
        typed(text("no", bold=True), text("te:", bold=True), " x"),
        typed(text("note:", code=True), " x"),
        typed(LOCK, " x"),
        typed("*note:* x"),
        [rich(quote("note: x"), section("y"))],
        [rich(bullets("note: x"))],
        [rich(code("note: x"))],
        [rich(section(), section("\n")), *typed("note: x")],
    ],
)
def test_a_message_that_begins_with_a_prefix_stays_inside(blocks: list[Node]) -> None:
    """Whatever stands around the word, and whatever keyboard it came from."""
    assert note_reason(blocks, "", PREFIXES) == PREFIX


@pytest.mark.parametrize("words", ["note: x", "*Note:* x", "&gt; note: x", "  _note:_", "🔒 x"])
def test_a_prefix_is_found_without_rich_text(words: str) -> None:
    assert note_reason([], words, PREFIXES) == PREFIX


def test_a_prefix_may_be_the_name_of_an_emoji() -> None:
    """Only `text` has it: rich text has the picture."""
    assert note_reason(typed(LOCK, " x"), ":lock: x", [":lock:"]) == PREFIX


@pytest.mark.parametrize("words", ["a note: x", "notes", "not e:", "", "my\nnote: x"])
def test_the_word_elsewhere_is_a_word(words: str) -> None:
    assert note_reason(typed(words), words, PREFIXES) is None


@pytest.mark.parametrize("prefixes", [[], [""], [" \t"]])
def test_without_a_prefix_nothing_begins_with_one(prefixes: list[str]) -> None:
    assert note_reason(typed("hello"), "hello", prefixes) is None


def test_blanks_around_a_prefix_do_not_count() -> None:
    assert note_reason(typed("note:x"), "", [" Note: "]) == PREFIX


@pytest.mark.parametrize(
    ("element", "token", "reason"),
    [
        (user(), "<@U1>", USER),
        (GROUP_ELEMENT, "<!subteam^S1|@x>", GROUP),
        (CHANNEL_ELEMENT, "<#C1|orders>", CHANNEL),
        (HERE, "<!here>", BROADCAST),
    ],
)
def test_a_message_that_mentions_colleagues_stays_inside(element: Node, token: str, reason: str) -> None:
    """Anywhere in it, and in either form."""
    assert note_reason(typed("hello ", element), "", PREFIXES) == reason
    assert note_reason([rich(quote("a"), bullets(section("b ", element)))], "", PREFIXES) == reason
    assert note_reason([*typed("a"), table([rich(section(element))])], "", PREFIXES) == reason
    assert note_reason([], f"hello {token}", PREFIXES) == reason
    assert note_reason(typed("hello "), f"hello {token}", PREFIXES) == reason


@pytest.mark.parametrize("words", ["mail a@b.example", "@ann #5", "<@U1>", "<!here>", "5 > 4 >> 3"])
def test_what_is_typed_and_mentions_nobody_goes_to_the_customer(words: str) -> None:
    assert note_reason(typed(words), "", PREFIXES) is None


MARKED = [
    # As typed: `>>` is no quote in the composer, with a space behind it or not.
    (typed(">>note: hi ", user()), "&gt;&gt;note: hi <@U1>", "note: hi @Ann"),
    (typed(">> note: hi ", user()), "&gt;&gt; note: hi <@U1>", "note: hi @Ann"),
    (typed(" \n>> ", user(), " hi"), "&gt;&gt; <@U1> hi", "@Ann hi"),
    (typed(">>", user(), " hi"), "", "@Ann hi"),
    (typed(text(">> hi ", bold=True), user()), "", "hi @Ann"),
    (typed(">>\nhi ", user()), "", "hi @Ann"),
    (typed("&gt;&gt; hi ", user()), "", "hi @Ann"),
    (typed(">>> hi ", user()), "", "> hi @Ann"),
    # As markup, read when the message is sent: the first `>` is the quote, the second is in it.
    ([rich(quote("> hi ", user()))], "&gt;&gt; hi <@U1>", "hi @Ann"),
    ([rich(quote(">hi ", user()), section("\nbye"))], "&gt;&gt;hi <@U1>", "hi @Ann\n\nbye"),
    ([rich(quote("&gt; hi ", user()))], "", "hi @Ann"),
    # Or the quote is both, and only `text` has the marks.
    ([rich(quote("hi ", user()), section("bye"))], "&gt;&gt; hi <@U1>", "hi @Ann\nbye"),
    ([rich(quote(user(), " hi"))], ">> <@U1> hi", "@Ann hi"),
    # Before something that is no paragraph.
    ([rich(section(">>"), bullets(section("hi ", user())))], "", "• hi @Ann"),
    ([rich(section(">> \n"), quote(user(), " hi"))], "", "> @Ann hi"),
    ([rich(section(), section(">> hi ", user()))], "", "hi @Ann"),
    # Without rich text.
    ([], "&gt;&gt; note: hi <@U1>", "note: hi @Ann"),
    ([], " &gt;&gt;hi <@U1>", "hi @Ann"),
]


@pytest.mark.parametrize(("blocks", "words", "shown"), MARKED)
def test_two_signs_in_front_send_it_all_the_same_and_are_not_sent(blocks: list[Node], words: str, shown: str) -> None:
    assert note_reason(blocks, words, PREFIXES) is None
    assert customer_text(blocks, words, NAMES) == shown


UNMARKED = [
    # A quote is how agents show each other what a customer wrote.
    ([rich(quote("hi ", user()))], "&gt; hi <@U1>", "> hi @Ann"),
    ([rich(quote("hi"), section(user(), " look"))], "&gt; hi\n<@U1> look", "> hi\n@Ann look"),
    ([rich(quote("hi ", user()))], "", "> hi @Ann"),
    # Three are Slack's own sign for a long quote.
    ([rich(quote("hi ", user()))], "&gt;&gt;&gt; hi <@U1>", "> hi @Ann"),
    (typed("> hi ", user()), "&gt; hi <@U1>", "> hi @Ann"),
    (typed("> > hi ", user()), "", "> > hi @Ann"),
    (typed("hi >> ", user()), "", "hi >> @Ann"),
    (typed(user(), " >> hi"), "", "@Ann >> hi"),
    # Code is code.
    (typed(text(">>> import this", code=True), user()), "", "`>>> import this`@Ann"),
    ([rich(code(">>> 1 + 1"), section(user()))], "", "```\n>>> 1 + 1\n```\n@Ann"),
    ([rich(bullets(section(">> hi ", user())))], "", "• >> hi @Ann"),
    (typed(link("https://a.example", ">> hi"), user()), "", ">> hi (https://a.example)@Ann"),
]


@pytest.mark.parametrize(("blocks", "words", "shown"), UNMARKED)
def test_other_angle_brackets_send_nothing_and_stay(blocks: list[Node], words: str, shown: str) -> None:
    assert note_reason(blocks, words, PREFIXES) == USER
    assert customer_text(blocks, words, NAMES) == shown


def test_a_prefix_in_front_of_the_signs_keeps_it_inside() -> None:
    assert note_reason(typed("note: >> hi"), "", PREFIXES) == PREFIX


@pytest.mark.parametrize("blocks", [typed(">>"), typed(">> \n"), [rich(quote(">"))]])
def test_the_signs_alone_say_nothing(blocks: list[Node]) -> None:
    assert customer_text(blocks, "&gt;&gt;", NAMES) == ""


def test_an_empty_message_is_no_note_and_says_nothing() -> None:
    assert note_reason([], "", PREFIXES) is None
    assert customer_text([], "", NAMES) == ""
