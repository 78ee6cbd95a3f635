"""What agents see: exact payloads in golden files, and the rules of a thread one by one."""

from __future__ import annotations

import pytest
from slack_limits import problems, texts_of
from slack_samples import DASHBOARD, NOON, PAPERS, PHOTO, a_card, a_line

from relay.conversation import ConversationState, Holder, Status
from relay.messages import Fate, Form, MessageKind, Role
from relay.slack.render import Notice, Previous, mark_repeated, render_batch, render_card
from relay.vocabulary import DeliveryState, Mark, ThreadNotice


def render(*batch, previous=None):
    return render_batch(batch, previous=previous, dashboard_url=DASHBOARD)


def carried(posts):
    return [post.parts for post in posts]


def authors(posts):
    contexts = [b for post in posts for b in post.blocks if b["type"] == "context" and len(b["elements"]) == 2]
    return [block["elements"][0]["text"] for block in contexts if "date" in block["elements"][1]["text"]]


def test_it_renders_cards(golden):
    """A card for reading only, one that replaces another, one with nothing known, and one in plain form."""
    cards = [
        a_card(),
        a_card(read_only=False, replaces="https://acme.slack.com/archives/C1/p1"),
        a_card(name="\u202e", first_words="", replaces="1.0", dashboard_url="none"),
        a_card(first_words="<!channel>\n" * 80),
    ]
    golden("cards", [*map(render_card, cards), render_card(a_card(), Form.PLAIN)])


def test_it_renders_a_card_for_every_way_a_conversation_stands(golden):
    """Waiting, taken, reopened, with a bot, resolved; the last two are one line, also where it is read only."""
    states = [
        ConversationState(),
        ConversationState(holder=Holder.AGENT, holder_name="Alex Rivera"),
        ConversationState(Status.REOPENED, Holder.AGENT),
        ConversationState(holder=Holder.BOT),
        ConversationState(Status.RESOLVED, Holder.AGENT, holder_name="Alex Rivera", resolved_by="Sam (agent)"),
    ]
    cards = [a_card(read_only=False, state=each, can_move=True) for each in states]
    quiet = [a_card(state=each) for each in states[3:]]
    plain = [render_card(each, Form.PLAIN) for each in (*cards[2:4], *quiet)]
    golden("states", [*map(render_card, [*cards, *quiet]), *plain])


def test_it_renders_what_may_be_seen(golden):
    """A card that tells of its customer, one where a bot answers, messages with hidden details; and in plain form."""
    facts = (("E-mail", "jane@example.com"), ("plan", "gold <!here> *now*"), ("Page", "https://shop.example/cart"))
    cards = [a_card(facts=facts), a_card(facts=facts, read_only=False, state=ConversationState(holder=Holder.BOT))]
    one, two = a_line("my card is [payment card hidden]", hidden=1), a_line("two", id=2, hidden=2, attachment=PAPERS)
    plain = a_line("[secret hidden]", id=3, hidden=1, form=Form.PLAIN)
    golden("seen", [*map(render_card, cards), render_card(cards[0], Form.PLAIN), *render(one, two, plain)])


def test_it_renders_what_the_relay_tells(golden):
    """A line for each way a reply can stand, with a button where there is something to press; and in plain form."""
    cause, at = "the key is wrong.", 1_712_346_286.0
    fates = {
        "failed": Fate(DeliveryState.DEAD, Mark.FAILED, cause),
        "unsure": Fate(DeliveryState.DEAD, Mark.UNSURE, cause),
        "delayed": Fate(DeliveryState.WAITING, Mark.PENDING, cause, until=at),
        "waits for a person": Fate(DeliveryState.WAITING, Mark.PENDING, cause),
        "sent again": Fate(DeliveryState.WAITING, Mark.PENDING, by="Sam"),
        "sent": Fate(DeliveryState.DELIVERED, Mark.SENT, by="Sam", at=at),
        "kept": Fate(DeliveryState.IGNORED, Mark.NOTE, "it begins like a note"),
        "kept by somebody": Fate(DeliveryState.IGNORED, Mark.NOTE, "it begins like a note", by="Sam"),
        "deleted": Fate(DeliveryState.IGNORED, Mark.NONE),
    }
    said = "Your money is on its way. " * 9
    told = [Notice(ThreadNotice.FAILED, 7, fate, said) for fate in fates.values()]
    told += [Notice(ThreadNotice.EDITED, 7, fates["sent"], said, is_edited=True)]
    told += [Notice(ThreadNotice.EDITED, 7, fates["sent"], said, correction=each) for each in told[:6]]
    told += [Notice(ThreadNotice.DELETED, 7, fates["sent"], said), Notice(ThreadNotice.FILES, 7, fates["failed"])]
    told += [Notice(ThreadNotice.TAKEN, 7, fates["sent"], user_id=user) for user in ("", "U0ALEX")]
    told += [Notice(ThreadNotice.REFUSED, 7, fates["failed"])]
    told += [Notice(ThreadNotice.DELETED, 7, fates["sent"], said, links_ended=True)]
    told += [Notice(ThreadNotice.FILE_DELETED, 7, fates["sent"], said)]
    told += [Notice(ThreadNotice.NO_FILE, 7, fates[name], "bill.pdf") for name in ("failed", "delayed", "sent")]
    batch = [a_line("", id=number, told=each) for number, each in enumerate(told)]
    golden("notices", render(*batch) + render(a_line("", id=9, told=told[5], form=Form.PLAIN)))


def test_it_renders_a_conversation(golden):
    """Customer, bot, agent, notices, a lost message, a picture and a file in one post."""
    batch = [
        a_line("Hello, see https://shop.example/order?id=1&x=2.\nBye", id=1),
        a_line("How can I help?", id=2, name="Helper", role=Role.BOT, sender="bot"),
        a_line("Assigned to Ann", id=3, kind=MessageKind.NOTICE),
        a_line("On it", id=4, name="Ann", role=Role.AGENT, sender="ann", sent_at=NOON + 60),
        a_line("", id=5, attachment=PHOTO, sent_at=NOON + 61),
        a_line("my papers", id=6, attachment=PAPERS, sent_at=NOON + 62),
        a_line("gone", id=7, lost="msg_too_long"),
        a_line("", id=8, role=Role.UNKNOWN),
    ]
    golden("conversation", render(*batch))


def test_it_renders_lower_forms(golden):
    """Without pictures, and in plain text."""
    batch = [
        a_line("look", id=1, attachment=PHOTO, form=Form.WITHOUT_PICTURES),
        a_line("look <here>\nand there", id=2, attachment=PHOTO, form=Form.PLAIN),
        a_line("Resolved", id=3, kind=MessageKind.NOTICE, form=Form.PLAIN),
        a_line("gone", id=4, form=Form.PLAIN, lost="no_text"),
    ]
    golden("lower_forms", render(*batch))


def test_it_names_the_author_when_author_or_minute_changes():
    """A run of messages within a minute has one author line."""
    batch = [
        a_line("a", id=1),
        a_line("b", id=2, sent_at=NOON + 59),
        a_line("c", id=3, sent_at=NOON + 60),
        a_line("d", id=4, sender="ann", name="Ann", role=Role.AGENT, sent_at=NOON + 61),
    ]
    assert authors(render(*batch)) == ["Jane (customer)", "Jane (customer)", "Ann (agent)"]


def test_it_goes_on_below_what_stands_in_the_thread():
    """The author line above still holds, for a minute and for one person."""
    assert authors(render(a_line(), previous=Previous("jane", NOON + 1))) == []
    assert authors(render(a_line(), previous=Previous("jane", NOON - 1))) == ["Jane (customer)"]
    assert authors(render(a_line(), previous=Previous("ann", NOON))) == ["Jane (customer)"]


def test_it_names_the_author_again_after_a_grey_line():
    """No notice can stand in for an author line."""
    batch = [a_line("a", id=1), a_line("Support (agent)", id=2, kind=MessageKind.NOTICE), a_line("b", id=3)]
    assert len(authors(render(*batch))) == 2


def test_it_puts_as_much_as_fits_into_one_post():
    """A backlog of short messages is a few posts, in order."""
    posts = render(*(a_line(f"message {n}", id=n) for n in range(100)))
    assert [len(post.parts) for post in posts] == [44, 45, 11]
    assert [part for post in posts for part in post.parts] == [(n, 0) for n in range(100)]


def test_it_spreads_a_long_text_over_posts():
    """Ten thousand characters to a post, 2,900 to an element."""
    posts = render(a_line("x" * 20_000))
    assert carried(posts) == [((1, 0), (1, 1), (1, 2)), ((1, 3), (1, 4), (1, 5)), ((1, 6),)]


def test_it_gives_a_line_that_must_be_alone_its_own_post():
    """A suspect does not take others down with it."""
    assert carried(render(a_line(id=1), a_line(id=2, alone=True), a_line(id=3), a_line(id=4))) == [
        ((1, 0),),
        ((2, 0),),
        ((3, 0), (4, 0)),
    ]


def test_it_gives_every_plain_part_its_own_post():
    """Plain text has room for one part, even if all of it has to be escaped."""
    posts = render(a_line("&" * 5800, form=Form.PLAIN), a_line(id=2, form=Form.PLAIN))
    assert carried(posts) == [((1, 0),), ((1, 1),), ((2, 0),)]
    assert all(problems(post.payload()) == [] for post in posts)


def test_it_leaves_out_what_is_visible_already():
    """The rest follows without a second author line; all done is no post."""
    [post] = render(a_line("x" * 5000, parts_done=frozenset({0})))
    assert post.parts == ((1, 1),)
    assert authors([post]) == []
    assert render(a_line(parts_done=frozenset({0}))) == []
    assert render(a_line(lost="why", parts_done=frozenset({-1}))) == []


def test_it_links_no_address_that_is_cut_in_two():
    """An address longer than a part would go somewhere else."""
    [post] = render(a_line("https://a.example/" + "x" * 3000))
    assert "link" not in str(post.blocks)


def test_it_trusts_no_dashboard_address_blindly():
    """It ends in an id from outside: what is no address is left out."""
    for form in Form:
        [post] = render_batch([a_line("", attachment=PAPERS, form=form)], previous=None, dashboard_url="x|y>\n@")
        assert "x|y" not in str(post.payload())
    assert len(render_card(a_card(dashboard_url=DASHBOARD + "x" * 2900), Form.PLAIN).text) < 3000


def test_it_tells_of_a_lost_message_in_its_place():
    """The notice has the part number -1 and quotes nothing."""
    [post] = render(a_line("secret", lost="msg_too_long"))
    assert post.parts == ((1, -1),)
    assert "secret" not in str(post.payload())


def test_it_puts_the_file_with_the_last_part():
    """The words of a lower form's part stay the same, so the file has one place."""
    posts = render(a_line("x" * 5000, attachment=PHOTO, alone=True))
    assert [block["type"] for block in posts[0].blocks] == ["context", "rich_text", "rich_text", "image"]


def test_it_marks_what_may_be_repeated():
    """A small line, in the fallback too; the frozen payload itself stays as it is."""
    [post] = render(a_line())
    frozen = post.payload()
    marked = mark_repeated(frozen)
    assert texts_of("plain_text", marked["blocks"])[-1] == "(may be repeated)"
    assert marked["text"] == frozen["text"] + " (may be repeated)"
    assert frozen == post.payload()


@pytest.mark.parametrize("text", ["x" * 3000, "x" * 2990, "x"])
@pytest.mark.parametrize("count", [0, 1, 45, 50])
def test_it_marks_without_breaking_a_limit(text, count):
    """What is full is sent unmarked rather than refused."""
    block = {"type": "context", "elements": [{"type": "plain_text", "text": "x", "emoji": False}]}
    assert problems(mark_repeated({"text": text, "blocks": [block] * count})) == []
    assert len(mark_repeated({"text": "x" * 39_990})["text"]) < 40_000
