"""Words: cut without loss, linked with care, names made harmless."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_samples import texts

from relay.slack.text import clean, clean_line, clean_name, escape, shorten, split, to_rich_text, units


def link_in(text, **more):
    return [each["url"] for each in to_rich_text(text, **more) if each["type"] == "link"]


@given(texts.map(clean), st.integers(1, 50))
def test_it_cuts_without_losing_a_character(text, limit):
    """The pieces are the text, none empty and none too long."""
    pieces = split(text, limit)
    assert "".join(pieces) == text
    assert all(0 < units(piece) <= max(limit, 2) for piece in pieces)


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("one two three", 8, ["one two ", "three"]),
        ("line one\nline two", 12, ["line one\n", "line two"]),
        ("a\nbb cc dd ee", 10, ["a\nbb cc ", "dd ee"]),
        ("aaaaa\nbb cc dd", 10, ["aaaaa\n", "bb cc dd"]),
        ("abcdef", 4, ["abcd", "ef"]),
        ("abc😀d", 4, ["abc", "😀d"]),
        ("abce\u0301", 4, ["abc", "e\u0301"]),
        ("ab👩\u200d👧", 5, ["ab", "👩\u200d👧"]),
        ("ab🇩🇪", 4, ["ab", "🇩🇪"]),
        ("", 4, []),
    ],
)
def test_it_cuts_where_a_reader_would(text, limit, pieces):
    """Ends of lines first, then gaps between words, then between what is drawn as one character."""
    assert split(text, limit) == pieces


def test_it_cuts_what_is_drawn_as_one_without_end():
    """A thousand accents on one letter are cut all the same."""
    assert "".join(split("e" + "\u0301" * 1000, 100)) == "e" + "\u0301" * 1000


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("see https://a.example/x.", ["https://a.example/x"]),
        ("(https://a.example/x_(y))", ["https://a.example/x_(y)"]),
        (
            "HTTP://A.example, or http://b.example:8080/?q=1&r=2#z!",
            ["HTTP://A.example", "http://b.example:8080/?q=1&r=2#z"],
        ),
        ("*http://a.example/*", ["http://a.example/"]),
        ('<a href="http://a.example/">', ["http://a.example/"]),
        ("http://bank.example@evil.example/", []),
        (
            "http://ex\u00e4mple.example/ http://a.example/p\u00e4th?q=\u00fc#\u00e9",
            ["http://xn--exmple-cua.example/", "http://a.example/p%C3%A4th?q=%C3%BC#%C3%A9"],
        ),
        (
            "https://a.example/K\u00f6ln%20x, https://a.example/a?x=1|2",
            ["https://a.example/K%C3%B6ln%20x", "https://a.example/a?x=1%7C2"],
        ),
        (
            "\u300chttps://a.example/x\u300d \u201chttps://a.example/y\u201d https://a.example/z\u2026",
            ["https://a.example/x", "https://a.example/y", "https://a.example/z"],
        ),
        ("https://a.example/\u30d1\u30b9\u3002\u6b21", ["https://a.example/%E3%83%91%E3%82%B9"]),
        (
            "www.a.example/x? Jane.D@a.example, MAILTO:x@a.example",
            ["http://www.a.example/x", "mailto:Jane.D@a.example", "MAILTO:x@a.example"],
        ),
        ("README.md setup.py a.b //a.example/x", []),
        ("http://a.example/<b>", ["http://a.example/"]),
        ("http://a|b javascript:alert(1) ftp://a.example xhttp://a.example xwww.a.example", []),
        ("http:// http://. https://-a.example", []),
        ("https://a.example/" + "x" * 2983, []),
        ("https://a.example/%zz", []),
        ("https://a.example/\u202egpj.exe", []),
    ],
)
def test_it_links_addresses_that_go_where_they_say(text, urls):
    """Anything doubtful stays text, and nothing of the sentence gets lost."""
    assert link_in(text) == urls
    assert "".join(each["text"] for each in to_rich_text(text)) == text


def test_it_links_no_address_that_was_cut():
    """Half an address goes somewhere else."""
    assert link_in("see https://a.example/very-lo", goes_on=True) == []
    assert link_in("https://a.example/ very-lo", goes_on=True) == ["https://a.example/"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Jane\nSupport", "Jane Support"),
        ("\u202eenaJ\u2066", "enaJ"),
        ("Bob (agent)", "Bob [agent]"),
        ("Bob \uff08agent\uff09", "Bob [agent]"),
        ("  a \u2003 b\t", "a b"),
        ("x" * 70, "x" * 59 + "…"),
        ("\u200b\x00", "no name"),
        ("\u3164\u200d", "no name"),
        ("\u0301", "no name"),
        ("José 👩\u200d👧 علي", "José 👩\u200d👧 علي"),
    ],
)
def test_it_makes_names_harmless(name, shown):
    """One line, no hidden characters, no brackets that could be a role's."""
    assert clean_name(name) == shown


def test_it_replaces_what_slack_cannot_take():
    """Line ends become one kind; tabs stay; halves of pairs and NUL become U+FFFD."""
    assert clean("a\r\nb\rc\td\x00\ud800\ufffe\x85") == "a\nb\nc\td" + "\ufffd" * 4


def test_it_escapes_slacks_three_characters_once():
    """An entity that was typed stays what was typed."""
    assert escape("<&lt;>") == "&lt;&amp;lt;&gt;"


@given(texts, st.integers(2, 40))
def test_it_shortens_to_the_limit(text, limit):
    """What was left out is marked."""
    assert units(shorten(clean(text), limit)) <= limit
    assert units(clean_line(text, limit)) <= limit
    assert shorten("one two", 5) == "one…"


LETTERS = st.characters(categories=("Lu", "Ll", "Lo", "Nd"))
PATHS = st.lists(st.text(LETTERS, min_size=1, max_size=6), min_size=1, max_size=3).map("/".join)
BEGINNINGS = st.sampled_from(["http://a.example/", "https://a.example/", "https://shop.a.example:8443/"])
REST = st.one_of(st.just(""), *(PATHS.map(mark.__add__) for mark in ("?q=", "?a=1&b=", "#")))
ADDRESSES = st.builds("{}{}{}".format, BEGINNINGS, PATHS, REST)
# What may stand right before an address and right behind it, in several scripts.
AROUND = ["()", "[]", "„“", "«»", "\u300c\u300d", "\uff08\uff09", "\u300a\u300b", '""', "''"]
BEHIND = ["", *".,!;:…", "\u3002", "\u3001", "\u061f", "\u0964"]
BESIDE = st.sampled_from([*map(tuple, AROUND), *(("", one) for one in BEHIND)])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(texts, BESIDE, ADDRESSES), min_size=1, max_size=4))
def test_an_address_in_any_script_is_exactly_the_link(written):
    """The words stay what they are, and what opens is what is read."""
    text = clean(" ".join(f"{words} {before}{address}{behind}" for words, (before, behind), address in written))
    elements = to_rich_text(text)
    assert "".join(element["text"] for element in elements) == text
    links = [(element["text"], element["url"]) for element in elements if element["type"] == "link"]
    for _, _, address in written:
        opens = dict(links)[address]
        assert opens.isascii()
        assert unquote(opens) == address
