"""S11: whatever customers write, name themselves or send, it cannot ping, format, mislead or imitate."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from slack_limits import problems, texts_of
from slack_samples import (
    DASHBOARD,
    HOSTILE,
    a_card,
    a_line,
    a_message,
    attachments,
    cards,
    lines,
    people,
    texts,
)

from relay.messages import Attachment, Form, Person, Role
from relay.slack.blocks import MAX_TEXT
from relay.slack.markdown import to_parts
from relay.slack.render import Line, Previous, render_batch, render_card
from relay.slack.text import author_of, clean, split

batches = st.lists(lines, max_size=6).map(lambda many: [replace(each, id=n) for n, each in enumerate(many)])


def render(*batch, previous=None):
    return render_batch(batch, previous=previous, dashboard_url=DASHBOARD)


def words_of(posts, line):
    """The customer's words as they stand in Slack."""
    if line.form is Form.PLAIN:
        below = "".join(html.unescape(post.text).partition("\n")[2] for post in posts)
        return re.sub("(^|[\n\u2028\u2029])> ", r"\1", below)
    shown = [block for post in posts for block in post.blocks]
    if line.author.role is Role.BOT:
        bot = [block for block in shown if block["type"] == "context" and len(block["elements"]) == 1]
        return "".join(texts_of("plain_text", bot))
    return "".join(in_order(shown))


def in_order(blocks):
    rich = [block for block in blocks if block["type"] == "rich_text"]
    return [each["text"] for block in rich for each in block["elements"][0]["elements"]]


def one_by_one(line):
    """The words of each part, rendered without the others."""
    numbers = {number for post in render(line) for _, number in post.parts}
    singles = [replace(line, parts_done=frozenset(numbers - {number})) for number in sorted(numbers)]
    return [words_of(render(single), single) for single in singles]


@settings(max_examples=100, deadline=None)
@given(batches, st.none() | st.builds(Previous, st.just("jane"), st.floats()))
def test_it_stays_safe_and_within_every_limit(batch, previous):
    """No batch makes a post that Slack would refuse or read as more than words."""
    for post in render(*batch, previous=previous):
        assert problems(post.payload()) == []


@settings(max_examples=100, deadline=None)
@given(cards, st.sampled_from(Form))
def test_it_keeps_cards_safe_and_within_every_limit(card, form):
    """Names and first words cannot break a card."""
    post = render_card(card, form)
    assert problems(post.payload()) == []
    assert post.parts == ()
    assert len(post.text) <= 3000


@settings(deadline=None)
@given(batches)
def test_it_carries_every_part_once_and_in_order(batch):
    """What is not done yet is in exactly one post, and nothing that is done comes again."""
    carried = [part for post in render(*batch) for part in post.parts]
    everything = [part for post in render(*(replace(o, parts_done=frozenset()) for o in batch)) for part in post.parts]
    assert carried == [part for part in everything if part[1] not in batch[part[0]].parts_done]
    assert sorted(set(carried)) == sorted(carried, key=lambda part: part)
    assert [part[0] for part in carried] == sorted(part[0] for part in carried)


@settings(max_examples=100, deadline=None)
@given(texts, st.sampled_from([Role.CUSTOMER, Role.BOT, Role.AGENT]))
def test_it_shows_the_words_exactly_in_every_form(text, role):
    """The parts of a message, put together, are what was written, and are the same in every form.

    But for the team's Markdown, which has tests of its own.
    """
    assume(not (role.is_of_the_team and any(map(to_parts, split(clean(text), MAX_TEXT)))))
    for form in Form:
        line = a_line(text, role=role, form=form)
        parts = one_by_one(line)
        assert parts == one_by_one(replace(line, form=Form.FULL))
        assert "".join(parts) == (clean(text) if clean(text).strip() else "(empty message)")


@settings(deadline=None)
@given(texts, attachments, people, batches)
def test_it_cuts_a_message_the_same_whatever_form_and_neighbours(text, attachment, author, batch):
    """Part i is part i in whatever form and post_group."""
    line = Line(99, a_message(text, attachment=attachment), author)
    alone = [part for post in render(line) for part in post.parts]
    for form in Form:
        posts = render(*batch, replace(line, form=form))
        assert [part for post in posts for part in post.parts if part[0] == 99] == alone


@given(texts, st.sampled_from(Role))
def test_it_lets_nobody_choose_their_role(name, role):
    """The only round brackets in an author line are ours, and they come last."""
    author = author_of(Person("jane", name, role))
    assert re.fullmatch(r"[^()\n\u2028\u202e]{1,60} \((customer|bot|agent|unknown sender)\)", author)


def test_it_shows_markup_as_typed():
    """Pings, formatting, masked links and entities stay the characters they are."""
    [post] = render(a_line(HOSTILE))
    assert post.blocks[1]["elements"][0]["elements"] == [{"type": "text", "text": HOSTILE}]
    assert post.text == ("Jane (customer): &lt;!channel&gt; @here &lt;@U123&gt; *x* &lt;http://a|b&gt; &amp;lt;")


def test_it_marks_a_customer_who_calls_themselves_support():
    """A name that claims a role stays a customer's name."""
    [post] = render(a_line(name="Support (agent)\u202e\n"))
    assert texts_of("plain_text", post.blocks) == ["Support [agent] (customer)"]


def test_it_keeps_an_imitated_author_line_among_the_words_of_a_plain_post():
    """In plain form every line that a stranger wrote is quoted."""
    [post] = render(a_line("hi\nSupport (agent) · 2026-01-31 12:00 UTC\u2028send money", form=Form.PLAIN))
    assert html.unescape(post.text).split("\n")[1:] == [
        "> hi",
        "> Support (agent) · 2026-01-31 12:00 UTC\u2028> send money",
    ]


def test_it_asks_slack_to_interpret_nothing():
    """Formatting and unfurling are off for `text` too, for which there is no escape."""
    payload = render_card(a_card()).payload()
    assert {key: payload[key] for key in payload if key not in {"text", "blocks"}} == {
        "parse": "none",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0041\U000e007f"
hidden = st.text(st.sampled_from(INVISIBLE + "ab \u0645\u200c\u200d\U0001f469(\u00b7)\n"), max_size=60)


@given(hidden, hidden, hidden, st.sampled_from(Role), st.sampled_from(Form))
def test_nothing_that_is_not_seen_reorders_or_hides_what_is(text, name, file, role, form):
    """S18: overrides of direction, widths of zero and tags are in no block and in no text."""
    line = a_line(text, name=name, role=role, form=form)
    line = replace(line, message=replace(line.message, unseen=text, attachment=Attachment(file)))
    shown = "".join(post.text + json.dumps(post.blocks, ensure_ascii=False) for post in render(line))
    assert not set(INVISIBLE) & set(shown)


def test_what_joins_characters_and_the_tags_of_a_flag_stay():
    wanted = "\U0001f469\u200d\U0001f467 \u0645\u06cc\u200c\u062e \U0001f3f4\U000e0067\U000e0062\U000e007f"
    assert clean(wanted) == wanted
