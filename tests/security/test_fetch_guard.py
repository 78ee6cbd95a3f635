"""Promise: whatever address a stranger gives, nobody inside is connected to."""

from __future__ import annotations

import io
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import Permanent, Transient
from relay.net import fetch as fetching
from relay.net.fetch import fetch
from relay.net.hosts import Hosts
from relay.net.public import is_public
from tests.harness import PATIENCE
from tests.net.downloads import Doors, LookUps, watching
from tests.net.wire import Wire, say, status_line

from .inward import INNER, LISTED, NAME, OPEN, OUTER, PROPER, URLS, listed, outcome


@pytest.fixture
def doors() -> Iterator[Doors]:
    with Doors() as both:
        yield both


@pytest.mark.parametrize("here", ["127.0.0.1", "::1"])
def test_these_tests_can_fail(doors: Doors, here: str) -> None:
    """The operator's own address is reached, wherever it lies."""
    url = f"http://files.example.com:{doors.port}"
    assert outcome(f"{url}/x", Hosts((), [url]), [here], deadline=0.3) == "deadline"
    assert doors.knocks() == 1


@pytest.mark.parametrize("name", URLS)
def test_no_address_leads_inside(doors: Doors, name: str) -> None:
    with watching() as tried:
        code = outcome(URLS[name].format(port=doors.port), Hosts(listed(doors.port)), ["127.0.0.1", "::1"])
    assert code in {"bad_url", "not_https", "not_allowed_host", "inner_address"}
    assert (tried, doors.knocks()) == ([], 0)


@pytest.mark.parametrize("name", PROPER)
def test_no_redirect_leads_inside(doors: Doors, name: str) -> None:
    """Not even that of the operator's own address."""
    url = URLS[name].format(port=doors.port)
    answer = b"HTTP/1.1 302 x\r\nLocation: %s\r\n" % url.encode()
    with Wire(say(b"", answer)) as wire, watching() as tried:
        code = outcome(wire.url, Hosts(listed(doors.port), [wire.url]), ["127.0.0.1"])
    # some of them are no more than a name at the place that redirects
    assert code in {"bad_url", "not_https", "not_allowed_host", "inner_address", "too_many_redirects"}
    assert {f"http://{host}:{port}" for host, port in tried} == {wire.url}
    assert doors.knocks() == 0


@pytest.mark.parametrize("numeric", INNER)
def test_a_listed_name_does_not_lead_inside(doors: Doors, numeric: str) -> None:
    """Alone, or beside an address of the open internet."""
    url = f"https://{NAME}:{doors.port}/x"
    with watching() as tried:
        for row in ([numeric], [OPEN, numeric], [numeric, OPEN]):
            assert outcome(url, Hosts(listed(doors.port)), row) == "inner_address"
    assert (tried, doors.knocks()) == ([], 0)


@pytest.mark.parametrize("numeric", INNER)
def test_a_redirect_to_a_listed_name_does_not_lead_inside(doors: Doors, numeric: str) -> None:
    url = f"https://{NAME}:{doors.port}/x"
    with Wire(say(b"", status_line(302, Location=url))) as wire, watching() as tried:
        assert outcome(wire.url, Hosts(listed(doors.port), [wire.url]), ["127.0.0.1"], [numeric]) == "inner_address"
    assert (len(tried), doors.knocks()) == (1, 0)


@pytest.mark.parametrize("numeric", OUTER)
def test_the_open_internet_is_connected_to_at_exactly_what_was_found(numeric: str) -> None:
    with watching() as tried:
        assert outcome(f"https://{NAME}/x", Hosts(LISTED), [numeric]) == "unreachable"
    assert tried == [(numeric, 443)]


def test_a_name_that_moves_inside_is_looked_up_once_for_each_fetch(doors: Doors) -> None:
    """What was checked is connected to, and no second answer."""
    moving = LookUps([OPEN], ["127.0.0.1"])
    url, hosts = f"https://{NAME}:{doors.port}/x", Hosts(listed(doors.port))
    with watching() as tried:
        with pytest.raises(Transient):
            fetch(url, io.BytesIO(), hosts=hosts, most=9, deadline=PATIENCE, resolve=moving)
        assert (moving.asked, tried) == ([NAME], [(OPEN, doors.port)])
        with pytest.raises(Permanent) as caught:
            fetch(url, io.BytesIO(), hosts=hosts, most=9, deadline=PATIENCE, resolve=moving)
    assert (caught.value.code, len(moving.asked), len(tried), doors.knocks()) == ("inner_address", 2, 1, 0)


def test_the_environments_proxy_is_not_asked(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look the name up by itself, and reach what it can reach."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{doors.port}")
    with watching() as tried:
        assert outcome(f"https://{NAME}/x", Hosts(LISTED), [OPEN]) == "unreachable"
    assert tried == [(OPEN, 443)]


PIECES = st.sampled_from(["https://", "http://", "file:", NAME, "a.example.com", "127.0.0.1", "[::1]", "localhost", "@",
                          ":", "443", "/", "\\", "?", "#", "%2e", ".", "..", "s3.example.net", "/ours/", "\t", "\r\n",
                          "\u3002", "\uff11", "\u017f", "xn--", "0x7f", ";", "bücher.example", "user:pw@"])  # fmt: skip
ANY_URL = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join) | st.lists(
    PIECES, max_size=6).map(lambda pieces: f"https://{NAME}/" + "".join(pieces))  # fmt: skip


@given(url=ANY_URL, row=st.lists(st.sampled_from([*OUTER, *INNER]), max_size=3))
def test_any_text_is_refused_or_leads_to_what_was_looked_up(url: str, row: list[str]) -> None:
    with watching() as tried:
        assert outcome(url, Hosts(LISTED), row)  # nothing answers here, so it fails somehow
    assert {address for address, _ in tried} <= set(row)
    assert not tried or all(map(is_public, row))


@given(location=ANY_URL, row=st.lists(st.sampled_from(INNER), min_size=1, max_size=2))
def test_any_redirect_is_refused_or_stays_where_it_was(location: str, row: list[str]) -> None:
    place = fetching.read_url("https://files.example.com/a")
    headers = {"Location": location.encode(errors="replace").decode("latin-1")}
    try:
        onward = fetching._onward(place, Answered(headers))
    except Permanent:
        return
    with watching() as tried:
        assert outcome(onward.url, Hosts(LISTED), row) in {"not_https", "not_allowed_host", "inner_address"}
    assert tried == []


class Answered:
    """An answer's headers."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = self
        self._headers = headers

    def get_all(self, name: str, _: object) -> list[str]:
        return [self._headers[name]]


def test_every_address_of_the_corpus_is_judged() -> None:
    assert [numeric for numeric in INNER if is_public(numeric)] == []
    assert [numeric for numeric in OUTER if not is_public(numeric)] == []
    assert not any(map(is_public, ["", "localhost", "127.1", "0x7f.1", "1.1.1.1 ", "01.1.1.1", "[::1]"]))


@pytest.mark.parametrize("url", ["https://hidden.test/words", "https://hidden.test\\words", "http://hidden.test/words"])
def test_an_error_tells_nothing_of_the_address(url: str) -> None:
    with pytest.raises(Permanent) as caught:
        fetch(url, io.BytesIO(), hosts=Hosts(LISTED), most=9, deadline=PATIENCE, resolve=LookUps([OPEN]))
    told = traceback.format_exception_only(caught.value)
    assert not {"hidden", "words"} & set("".join(told).replace(".", " ").replace("/", " ").split())
