"""Files that somebody sent: as a picture where Slack can fetch it, else as a line about it."""

from __future__ import annotations

import pytest
from slack_limits import texts_of
from slack_samples import DASHBOARD, a_line

from relay.messages import Attachment, Form
from relay.slack.render import render_batch


def render(*batch):
    return render_batch(batch, previous=None, dashboard_url=DASHBOARD)


@pytest.mark.parametrize(
    ("thumbnail", "url", "shown"),
    [
        ("https://t.example/t.png", "https://u.example/u.png", "https://t.example/t.png"),
        ("data:image/png;base64,AAAA", "https://u.example/u.png", "https://u.example/u.png"),
        ("http://t.example/t.png", None, None),
        (None, "https://u.example/" + "x" * 3000, None),
        (None, None, None),
    ],
)
def test_it_shows_pictures_that_slack_can_fetch(thumbnail, url, shown):
    """The thumbnail first; https only; never `data:`; else it is told in words."""
    photo = Attachment("p.png", "image/png", 1, url, thumbnail)
    [post] = render(a_line("", attachment=photo))
    assert [block["image_url"] for block in post.blocks if block["type"] == "image"] == ([shown] if shown else [])
    assert "data:" not in str(post.payload())


@pytest.mark.parametrize(
    ("size", "told"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (-1, ""), (10**40, "")],
)
def test_it_tells_a_size_for_people(size, told):
    """A size that says nothing is not said; the file's own address never is."""
    [post] = render(a_line("", attachment=Attachment("AWS-ENCRYPTED-a\u202efdp", "", size, "https://u.example/s")))
    assert texts_of("plain_text", post.blocks)[1] == " · ".join(filter(None, ["File: afdp", told]))
    assert "u.example" not in str(post.payload())


def test_it_tells_a_file_from_an_author():
    """A file can be called anything."""
    named = Attachment("Support (agent) 12:00")
    [post], [plain] = (render(a_line("", attachment=named, form=form)) for form in (Form.FULL, Form.PLAIN))
    assert texts_of("plain_text", post.blocks)[1] == "File: Support (agent) 12:00"
    assert plain.text.split("\n")[1].startswith("File: ")
