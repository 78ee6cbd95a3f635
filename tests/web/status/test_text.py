"""Sentences of the relay's own, and strangers' words, as the page shows them."""

from __future__ import annotations

import pytest

from relay.web.status.text import prose, seen

PROSE = [
    ("Run `relay migrate`.", "Run <code>relay migrate</code>."),
    ("`a` and `b`", "<code>a</code> and <code>b</code>"),
    ("`<b>&`", "<code>&lt;b&gt;&amp;</code>"),
    ("<code>x</code>", "&lt;code&gt;x&lt;/code&gt;"),
    ("one ` alone", "one ` alone"),
    ("``", "``"),
    ("`over\ntwo lines`", "`over\ntwo lines`"),
]


@pytest.mark.parametrize(("text", "shown"), PROSE)
def test_what_stands_between_backticks_is_code_and_nothing_is_markup(text: str, shown: str) -> None:
    assert prose(text) == shown
    assert "<code>" not in seen(text)


def test_what_does_not_show_is_shown_by_its_number_in_code_too() -> None:
    assert prose("`a\u202eb`").count("U+202E") == 1


def test_what_is_cut_says_how_much_is_left() -> None:
    assert prose("x" * 12, 10) == 'xxxxxxxxxx<span class="more"> … and 2 more characters</span>'
    assert "<code>" not in prose("abcdefgh `code`", 10)
