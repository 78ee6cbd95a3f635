"""HTML becomes lines, in whatever state it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.kommunicate.html import MAX_TAGS, to_text

READ = {
    "<p>Hello <b>you</b></p><p>two</p>": "Hello you\ntwo",
    "<ul><li>a<li>b &amp; c</ul>": "• a\n• b & c",
    "x<br>y<br/><br>z": "x\ny\n\nz",
    "<a href='https://e.com/?a=1&amp;b=2'>here</a>, ok": "here (https://e.com/?a=1&b=2), ok",
    "<a href='https://e.com'>https://e.com</a>": "https://e.com",
    "<a href='https://evil.com'>https://bank.com</a>": "https://bank.com (https://evil.com)",
    "<a href='https://e.com'></a>": "https://e.com",
    "<a href='javascript:x()'>js</a> <a>none</a>": "js none",
    "<a href='https://a.com'>a <a href='https://b.com'>b": "a (https://a.com)b (https://b.com)",
    "a <script>alert(1)</script><style>p{}</style><title>t</title>b": "a b",
    "1 < 2 <3 and 4 > 3": "1 < 2 <3 and 4 > 3",
    "a <b": "a <b",
    "<p>a <b c='d</p>": "a <b c='d",
    "a<!-- no -->b<!doctype html><![if x]>c<?php d?>": "abc",
    "&lt;b&gt; &#x41; &eacute; &nonsense;": "<b> A é &nonsense;",
    "<img src='https://e.com/a.png' alt='a cat'>": "(picture: a cat)",
    "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
    "  many \n\n blanks  ": "many blanks",
    "": "",
}


@pytest.mark.parametrize(("html", "text"), READ.items())
def test_it_reads_as_a_person_would(html, text):
    assert to_text(html) == text


@given(st.text("<>/!?-[]'\"=& \nabphrefscript#;x", max_size=200))
def test_it_never_raises(html):
    assert isinstance(to_text(html), str)


@given(st.text("abc äö.,"))
def test_plain_words_survive(text):
    assert to_text(f"<div>{text}</div>").split() == text.split()


def test_a_flood_of_tags_is_stripped_plainly():
    assert to_text("<p>a &amp; b</p>" * MAX_TAGS).startswith("a & b a & b")
