"""What an agent typed, read by a customer: every element, every layout."""

from __future__ import annotations

from typing import Any

import pytest
from slack_typed import NAMES, Node, bullets, code, link, numbers, quote, rich, section, table, text, typed, user

from relay.slack.reply_text import Mentions, mentioned, reply_text


def read(*elements: Node | str) -> str:
    return reply_text(typed(*elements), "", NAMES)


def lay(*parts: Node) -> str:
    return reply_text([rich(*parts)], "", NAMES)


@pytest.mark.parametrize("style", [{}, {"bold": True}, {"italic": True, "strike": True}, {"code": False}])
def test_typed_words_come_as_typed_whatever_their_style(style: dict[str, bool]) -> None:
    assert read("say ", text("a *b* `c` <@U1> &lt; :x:", **style), " twice") == "say a *b* `c` <@U1> &lt; :x: twice"


@pytest.mark.parametrize(
    ("url", "label", "words"),
    [
        ("https://a.example/x", None, "https://a.example/x"),
        ("https://a.example/x", "", "https://a.example/x"),
        ("https://a.example/x", "https://a.example/x", "https://a.example/x"),
        ("https://a.example/x", "our page", "our page (https://a.example/x)"),
        ("http://a.example", "a.example", "a.example"),
        ("https://a.example/", "a.example", "a.example"),
        ("http://README.md", "README.md", "README.md"),
        ("https://a.example", "a.example/", "a.example/ (https://a.example)"),
        ("http://a.example", "b.example", "b.example (http://a.example)"),
        ("http://a.example", "A.example", "A.example (http://a.example)"),
        ("mailto:a@b.example", "a@b.example", "a@b.example"),
        ("mailto:a@b.example", None, "a@b.example"),
        ("mailto:a@b.example", "write us", "write us (mailto:a@b.example)"),
        ("tel:+4930123456", "+49 (30) 123-456", "+49 (30) 123-456"),
        ("tel:+4930123456", None, "+4930123456"),
        ("tel:+4930123456", "call", "call (tel:+4930123456)"),
        ("", "no address", "no address"),
    ],
)
def test_a_link_says_where_it_goes(url: str, label: str | None, words: str) -> None:
    """Slack completes typed addresses: the longer of the two, so that nothing typed gets lost."""
    assert read("see ", link(url, label), ".") == f"see {words}."


@pytest.mark.parametrize(
    ("emoji", "drawn"),
    [
        ({"name": "+1", "unicode": "1f44d"}, "👍"),
        ({"name": "+1", "unicode": "1F44D"}, "👍"),
        ({"name": "heart", "unicode": "2764-fe0f"}, "❤️"),
        ({"name": "man-woman-girl", "unicode": "1f468-200d-1f469-200d-1f467"}, "👨‍👩‍👧"),
        ({"name": "wave::skin-tone-2", "unicode": "1f44b-1f3fb"}, "👋🏻"),
        ({"name": "wave::skin-tone-6", "unicode": "1f44b"}, "👋🏿"),
        ({"name": "wave", "unicode": "1f44b", "skin_tone": 4}, "👋🏽"),
        ({"name": "wave", "unicode": "1f44b", "skin_tone": 1}, "👋"),
        ({"name": "wave", "unicode": "1f44b", "skin_tone": "2"}, "👋"),
        ({"name": "lifter", "unicode": "1f3cb-fe0f-200d-2642-fe0f", "skin_tone": 2}, "🏋🏻‍♂️"),
        ({"name": "man-coder", "unicode": "1f468-200d-1f4bb", "skin_tone": 5}, "👨🏾‍💻"),
        ({"name": "hash", "unicode": "0023-fe0f-20e3"}, "#️⃣"),
        ({"name": "partyparrot"}, ":partyparrot:"),
        ({"name": "partyparrot", "unicode": "d83d"}, ":partyparrot:"),
        ({"name": "x", "unicode": "110000"}, ":x:"),
        ({"name": "x", "unicode": "0000"}, ":x:"),
        ({"name": "x", "unicode": "1f44d-"}, ":x:"),
        ({"name": "x", "unicode": "+1f44d"}, ":x:"),
        ({}, ""),
    ],
)
def test_an_emoji_is_drawn_or_named(emoji: Node, drawn: str) -> None:
    assert read("so ", {"type": "emoji", **emoji}, "!") == f"so {drawn}!"


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ({"type": "user", "user_id": "U1"}, "@Ann"),
        ({"type": "user", "user_id": "U404"}, "@someone"),
        ({"type": "user"}, "@someone"),
        ({"type": "canvas_user_mention", "user_id": "U1"}, "@Ann"),
        ({"type": "usergroup", "usergroup_id": "S1"}, "@night-shift"),
        ({"type": "usergroup", "usergroup_id": "S404"}, "@someone"),
        ({"type": "team", "team_id": "T1"}, "@Acme"),
        ({"type": "channel", "channel_id": "C1"}, "#orders"),
        ({"type": "channel", "channel_id": "C404"}, "#channel"),
        ({"type": "broadcast", "range": "here"}, "@here"),
        ({"type": "broadcast"}, ""),
    ],
)
def test_a_mention_is_a_name_and_never_an_id(element: Node, words: str) -> None:
    assert read("ask ", element, "?") == f"ask {words}?"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("@Ann", "@Ann"), ("  Ann\nLee ", "@Ann Lee"), ("A\u202enn", "@Ann"), ("", "@someone"), (" \x00", "@someone")],
)
def test_a_looked_up_name_is_one_visible_line(name: str, shown: str) -> None:
    assert reply_text(typed(user()), "", {"U1": name}) == shown


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ({"type": "date", "timestamp": 1769868120, "format": "{time}", "fallback": "2 pm"}, "2 pm"),
        ({"type": "date", "timestamp": 1769868120, "format": "{time}"}, "2026-01-31 14:02 UTC"),
        ({"type": "date", "timestamp": 0, "fallback": "now", "url": "https://a.example"}, "now (https://a.example)"),
        ({"type": "date", "timestamp": -1}, ""),
        ({"type": "date", "timestamp": 10**400}, ""),
        ({"type": "color", "value": "#F405B3"}, "#F405B3"),
        ({"type": "tag", "text": "urgent", "color": "red"}, "urgent"),
        ({"type": "hologram", "fallback": "a picture"}, "a picture"),
        ({"type": "canvas", "file_id": "F1", "label": "Plan"}, "Plan"),
        ({"type": "workflow_mention", "text": "Refund", "url": "https://a.example"}, "Refund (https://a.example)"),
        ({"type": "hologram"}, ""),
        ({"type": ["link"], "text": "odd"}, "odd"),
        ({"text": "no type"}, "no type"),
        ({"type": "text", "text": None}, ""),
    ],
)
def test_what_is_rare_or_unknown_says_its_text_or_nothing(element: Node, words: str) -> None:
    assert read("so ", element, "!") == f"so {words}!"


def test_a_list_has_dots_or_numbers_and_two_spaces_a_level() -> None:
    """Deeper lists are lists of their own; `offset` says where the numbers go on after them."""
    shown = lay(
        section("Please:\n"),
        numbers("open the app", section("log in ", text("again", bold=True))),
        bullets("with your mail", indent=1),
        bullets("not the old one", indent=2),
        numbers("tell us", offset=2),
        section("Thank you"),
    )
    assert shown == (
        "Please:\n1. open the app\n2. log in again\n  • with your mail\n    • not the old one\n3. tell us\nThank you"
    )


def test_a_second_line_of_an_item_stands_below_its_words() -> None:
    assert lay(numbers("one\ntwo", offset=9), bullets("a\nb", indent=1)) == "10. one\n    two\n  • a\n    b"


@pytest.mark.parametrize("junk", [None, "2", [], -5, 2.0])
def test_an_indent_or_offset_that_is_none_counts_as_zero(junk: Any) -> None:
    assert lay(numbers("a", indent=junk, offset=junk)) == "1. a"


def test_a_quote_is_marked_line_by_line() -> None:
    assert lay(quote("you wrote\n\n", user(), " ..."), section("Yes.")) == "> you wrote\n>\n> @Ann ...\nYes."


def test_what_has_a_quotes_border_is_marked_too() -> None:
    shown = lay(quote("you said"), bullets("a", "b", border=1), code("x = 1", border=1))
    assert shown == "> you said\n> • a\n> • b\n> ```\n> x = 1\n> ```"


def test_code_stands_on_lines_of_its_own_as_written() -> None:
    shown = lay(section("Run\n"), code("if a:\n    b(`c`)\n\n\td\n"), section("and ", text("then", code=True)))
    assert shown == "Run\n```\nif a:\n    b(`c`)\n\n\td\n```\nand `then`"


def test_code_that_holds_a_fence_has_a_longer_one() -> None:
    """Kommunicate's widget reads Markdown: what is code must stay code to its end."""
    assert lay(code("```\nx\n```")) == "````\n```\nx\n```\n````"
    assert read(text("a `b` __init__", code=True)) == "`` a `b` __init__ ``"
    assert lay(code("# reset\nrm cache/*\n__init__ 2*3*4")) == "```\n# reset\nrm cache/*\n__init__ 2*3*4\n```"


def test_the_end_of_a_paragraph_is_one_line_end() -> None:
    """Slack ends a paragraph with a line end or without; a blank line is one that was typed."""
    assert lay(section("a"), section("b\n"), section("\n"), section("c\n\n"), section(), section("\nd")) == (
        "a\nb\n\nc\n\n\nd"
    )


@pytest.mark.parametrize(
    ("typed_words", "shown"),
    [
        ("a \t\nb\u00a0", "a\nb"),
        ("\n\n  a\n\n\nb\n\n", "  a\n\n\nb"),
        ("a\r\nb\rc\u2028d\u2029e\x85f\x0bg", "a\nb\nc\nd\ne\nf\ng"),
        ("a\x00\x07\x1b[1m\x7f\x9fb\tc", "a[1mb\tc"),
        ("a\ud83db", "ab"),
        ("\u05d0\u200f\u202b!", "\u05d0\u200f\u202b!"),
        (" \n ", ""),
    ],
)
def test_no_controls_and_no_blanks_at_the_end(typed_words: str, shown: str) -> None:
    assert read(typed_words) == shown


def test_a_quote_stays_a_quote_after_an_unusual_line_end() -> None:
    assert lay(quote("a\u2028b\r\nc")) == "> a\n> b\n> c"


def test_a_pasted_table_is_read_row_by_row() -> None:
    """Slack writes it as a block of its own; cells are rich text or raw."""
    rows = [
        [rich(section(text("Name", bold=True))), {"type": "raw_text", "text": "Price"}],
        [rich(section("two\nlines "), section(user())), {"type": "raw_number", "value": 3, "text": "3"}],
        [rich(section()), {"type": "raw_text", "text": "-"}],
    ]
    blocks = [*typed("Here:"), table(*rows)]
    assert reply_text(blocks, "Here:", NAMES) == "Here:\nName | Price\ntwo lines @Ann | 3\n | -"
    assert reply_text([table(*rows[:1])], "see", NAMES) == "see\nName | Price"


def test_several_rich_texts_stand_below_each_other() -> None:
    assert reply_text([*typed("a"), {"type": "divider"}, *typed("b")], "ignored", NAMES) == "a\nb"


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}],
        [rich()],
        [rich(section(" \n"))],
        [rich(section({"type": "hologram"}))],
        [{"type": "rich_text", "elements": None}, "junk", None],
    ],
)
def test_where_rich_text_says_nothing_the_text_is_read(blocks: list[Any]) -> None:
    assert reply_text(blocks, "hi <@U1>", NAMES) == "hi @Ann"


def test_rich_text_is_believed_before_text() -> None:
    assert reply_text(typed("rich"), "poor", NAMES) == "rich"


def test_nothing_is_cut() -> None:
    assert read("x" * 100_000) == "x" * 100_000


def test_it_finds_whom_a_message_mentions_in_order_and_once() -> None:
    blocks = [
        rich(
            section(user("U2"), user("U1"), user("U2"), {"type": "broadcast", "range": "channel"}),
            bullets(section({"type": "usergroup", "usergroup_id": "S1"})),
            quote({"type": "channel", "channel_id": "C1"}, {"type": "canvas_user_mention", "user_id": "U3"}),
        ),
        table([rich(section(user("U4"))), {"type": "message_mention", "channel_id": "C2", "message_ts": "1.2"}]),
    ]
    assert mentioned(blocks, "") == Mentions(("U2", "U1", "U3", "U4"), ("S1",), ("C1", "C2"), ("channel",))


def test_it_finds_in_the_text_what_rich_text_leaves_out() -> None:
    """A kind of mention that is unknown to us is a token in `text` all the same."""
    found = mentioned(typed(user("U1"), {"type": "new_mention"}), "<@U1> <@U9|x> <#C1|y> <!subteam^S2> <!here>")
    assert found == Mentions(("U1", "U9"), ("S2",), ("C1",), ("here",))


def test_what_only_looks_like_a_mention_is_none() -> None:
    blocks = typed(
        "<@U1> @here #general", text("<!channel>", code=True), {"type": "user"}, {"type": "user", "user_id": 1}
    )
    assert mentioned(blocks, "&lt;@U1&gt; @here <https://a.example|@U1>") == Mentions()
