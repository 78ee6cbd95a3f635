"""Lines and cards to render, and texts that a hostile customer might write."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from relay.conversation import ConversationState, Holder, Status
from relay.files import Attachments, Way, picture_url, way_of
from relay.messages import Attachment, ChatMessage, ConversationKey, Fate, Form, MessageKind, Person, Role
from relay.slack.render import Card, Line, Notice
from relay.vocabulary import DeliveryState, Mark, ThreadNotice

KEY = ConversationKey("acme", "4711")
DASHBOARD = "https://dashboard.kommunicate.io/conversations/4711"
NOON = 1_769_860_800.0  # 2026-01-31 12:00 UTC
HOSTILE = "<!channel> @here <@U123> *x* <http://a|b> &lt;"
PHOTO = Attachment("cat.jpg", "image/jpeg", 12_345, "https://files.example/cat.jpg", "https://files.example/small.jpg")
PAPERS = Attachment("AWS-ENCRYPTED-contract.pdf", "application/pdf", 2_500_000, "https://files.example/c.pdf")


def a_message(text="hello", *, sender="jane", sent_at=NOON, attachment=None, kind=MessageKind.MESSAGE, hidden=0):
    return ChatMessage(KEY, "k", sender, sent_at, text, kind, attachment, hidden=hidden)


def shown(attachment, form=Form.FULL):
    """An attachment and how it is shown, where every address may be fetched from."""
    if attachment is None:
        return None, Way.LINE
    way = way_of(attachment, form, Attachments.AUTO, lambda url: True)
    return replace(attachment, thumbnail_url=picture_url(attachment, lambda url: True)), way


def a_line(text="hello", *, id=1, name="Jane", role=Role.CUSTOMER, sender="jane", attachment=None, **more):
    attachment, more["file"] = shown(attachment, more.get("form", Form.FULL))
    of_line = {k: more.pop(k) for k in ("form", "alone", "parts_done", "lost", "told", "file") if k in more}
    return Line(
        id, a_message(text, sender=sender, attachment=attachment, **more), Person(sender, name, role), **of_line
    )


def a_card(**changes):
    said = {"name": "Jane", "first_words": "Where is my parcel?", "since": NOON}
    return Card(**{"key": KEY, "dashboard_url": DASHBOARD, "read_only": True, **said, **changes})


FRAGMENTS = [
    HOSTILE,
    "<!here>",
    "<!date^1^{time}|now>",
    "<#C1>",
    "https://example.com/a?b=c&d=e",
    "(see http://bank.com@evil.com).",
    "HTTPS://EXAMPLE.com/(x))",
    "https://a.b/" + "y" * 2980,
    "Support (agent) 12:00",
    ":wave:",
    "`*_~`",
    "&amp;",
    "\n",
    "\r\n",
    "\u2028> ",
    "\x00",
    "\ud83d",
    "\u202eevil",
    "e\u0301",
    "👩\u200d👩\u200d👧",
    "🇩🇪🇫🇷",
    "x" * 2899,
    "word " * 700,
    "<&>" * 1000,
    " ",
]
any_character = st.characters(exclude_categories=())
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(any_character), max_size=6).map("".join)
urls = st.none() | st.sampled_from(
    ["https://files.example/a.png", "data:image/png;base64,AA", "http://x.y/a.png", "https://h/" + "p" * 3000]
)
attachments = st.none() | st.builds(
    Attachment,
    texts,
    st.sampled_from(["image/png", "", "application/pdf"]) | texts,
    st.none() | st.integers(),
    urls,
    urls,
)
people = st.builds(Person, st.sampled_from(["jane", "ann"]), texts, st.sampled_from(Role))
messages = st.builds(
    ChatMessage,
    st.just(KEY),
    st.just("k"),
    st.sampled_from(["jane", "ann"]),
    st.floats(),
    texts,
    st.sampled_from(MessageKind),
    attachments,
)
moments = st.none() | st.floats()
fates = st.builds(Fate, st.sampled_from(DeliveryState), st.sampled_from(Mark), texts, texts, moments, moments)
corrections = st.none() | st.builds(Notice, st.sampled_from(ThreadNotice), st.integers(0, 2**53), fates, texts)
tolds = st.builds(
    Notice,
    st.sampled_from(ThreadNotice),
    st.integers(0, 2**53),
    fates,
    texts,
    is_edited=st.booleans(),
    is_back=st.booleans(),
    correction=corrections,
    user_id=st.sampled_from(["", "U0ALEX"]),
    links_ended=st.booleans(),
)
lines = st.builds(
    Line,
    st.just(0),
    messages,
    people,
    st.sampled_from(Form),
    st.booleans(),
    st.frozensets(st.integers(-1, 2)),
    st.none() | texts,
    st.none() | tolds,
)
states = st.builds(
    ConversationState,
    status=st.sampled_from(Status),
    holder=st.sampled_from(Holder),
    holder_name=texts,
    resolved_by=texts,
)
cards = st.builds(
    Card,
    st.just(KEY),
    texts,
    texts,
    st.floats(),
    st.just(DASHBOARD) | texts,
    st.booleans(),
    st.none() | texts,
    states,
)
