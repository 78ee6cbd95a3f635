"""Files that are larger than they say, on the whole way: the words are there, and a line says why the file is not."""

from __future__ import annotations

import pytest

from tests.bombs import BOMBS, larger
from tests.files.test_agents_files import share
from tests.files.test_customers_files import files, lines, sends, told
from tests.replies.desk import Desk


@pytest.mark.parametrize("name", BOMBS)
def test_a_picture_that_would_be_huge_does_not_come(desk: Desk, name: str) -> None:
    sends(desk, name, BOMBS[name](), text="look")
    desk.run(60)
    (line,) = told(desk)
    assert "the picture has too many pixels" in line
    assert (files(desk), "look" in lines(desk)) == ([], True)


@pytest.mark.parametrize("name", BOMBS)
def test_a_picture_that_would_be_huge_does_not_go(desk: Desk, name: str) -> None:
    share(desk, desk.sandbox.slack.cabinet.put(name, content=BOMBS[name]()))
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert "the picture has too many pixels" in desk.shown()[-1]


def test_a_picture_whose_head_is_broken_does_not_come(desk: Desk) -> None:
    """Programs that are more patient than we are would find a size in it."""
    sends(desk, "bomb.jpg", BOMBS["bomb.jpg"]().replace(b"\xff\xc0", b"junk\xff\xc0"), text="look")
    desk.run(60)
    (line,) = told(desk)
    assert "the picture is broken" in line


def test_what_is_larger_than_it_says_does_not_come(desk: Desk) -> None:
    sends(desk, content=larger(), size=5)
    desk.run(60)
    (line,) = told(desk)
    assert "the file is larger than 25 MB" in line
    assert (files(desk), "here it is" in lines(desk)) == ([], True)


def test_what_is_larger_than_it_says_does_not_go(desk: Desk) -> None:
    file = desk.sandbox.slack.cabinet.put("bill.pdf", content=larger())
    file.fields["size"] = 5
    share(desk, file)
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert "the file is larger than 25 MB" in desk.shown()[-1]
