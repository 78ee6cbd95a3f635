"""The corpus through every view of the status page and every report of `relay deliveries`: 0 details.

Each line stands in words, names, ids, titles, files, form answers, agents' words and causes (`shown.fill`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from relay.store.db.engine import Store
from tests.cli.conftest import Run, run
from tests.harness import body, words
from tests.privacy.corpus import ALL, Example, examples, leaked
from tests.privacy.shown import FIRST, KINDS, batches, fill, readable, words_in
from tests.privacy.test_redact import hides
from tests.web.status.conftest import page_with, sign_in, token_in

__all__ = ["page_with", "run"]

EXAMPLES = examples()
ROUTES = [
    {"name": "long", "when": {"message": "*nobody writes this*"}, "channel": "C0Y"},
    {"name": "said", "when": {"metadata.said": "*nor this*"}, "channel": "C0Y"},
]
CONFIG = {"default_channel": "C0X", "redact": ALL, "routes": ROUTES}
SAMPLE = 30  # of how many lines `make test` takes one where each is a relay, or a command, of its own for a moment
PARTS = [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, SAMPLE))]


@pytest.fixture
def page(page_with: Callable[..., FlaskClient], store: Store) -> FlaskClient:
    """Somebody who is signed in to a relay that has seen the whole corpus."""
    fill(store)
    client = page_with(config=CONFIG)
    sign_in(client)
    return client


def pages(client: FlaskClient, path: str) -> Iterator[str]:
    """A page, and all that it leads on to."""
    while path:
        shown = client.get(path)
        assert shown.status_code == 200
        yield shown.text
        following = re.search(r'href="([^"]+)" rel="next"', shown.text)
        path = following[1].replace("&amp;", "&") if following else ""


def listed(shown: str) -> set[int]:
    """The conversations that a page lists."""
    return {int(one) for one in re.findall(r'data-key="c(\d+)"', shown)}


def tell(what: str, looks: int, leaks: list[str]) -> None:
    """The figures, for whoever looks at the test's output."""
    print(f"{what}: {len(EXAMPLES)} lines, {looks} looks, {len(leaks)} leaks")  # noqa: T201


def test_no_page_tells_a_detail_and_look_alikes_can_be_read(page: FlaskClient) -> None:
    lists = [each for path in ("/conversations", "/dead-letters") for each in pages(page, path)]
    others = [page.get(path).text for path in ("/", "/channels", "/settings", "/try")]
    stories = [page.get(f"/conversations/{number}").text for number in range(1, len(EXAMPLES) + 1)]
    assert listed("".join(lists)) == set(range(1, len(EXAMPLES) + 1))
    leaks = [leak for shown in (*lists, *others, *stories) for leak in leaked(readable(shown))]
    as_meant = [one for one, shown in zip(EXAMPLES, stories, strict=True) if one.is_shown_as_meant(words_in(shown)[1])]
    tell("pages", len(lists) + len(others) + len(stories), leaks)
    assert leaks == []
    assert [one.text for one in EXAMPLES if one not in as_meant] == []


def test_a_search_confirms_nothing_that_is_hidden(page: FlaskClient) -> None:
    leaks, looks = [], 0
    for number, one in enumerate(EXAMPLES, start=1):
        for searched in one.details:
            by_name = one.text.startswith(searched) or number % 3 == 0  # which is how a name is found, or an id
            for where in ("text", "customer") if by_name else ("text",):
                shown, looks = _search(page, searched, where), looks + 1
                found = number in listed(shown) and not _can_be_read(searched, one)
                more = not listed(shown) and ('rel="next"' in shown or "There are more" in shown)
                leaks += [searched] if found or more or leaked(readable(_without_the_question(shown))) else []
    tell("searches", looks, leaks)
    assert leaks == []


def test_a_search_finds_what_only_looks_like_a_detail(page: FlaskClient) -> None:
    missed = [
        one.text
        for number, one in enumerate(EXAMPLES, start=1)
        if not one.details and number not in listed(_search(page, " ".join(one.text.split()), "text"))
    ]
    assert missed == []


def _search(client: FlaskClient, words: str, where: str) -> str:
    return client.get("/conversations", query_string={"q": words, "in": where}).text


def _without_the_question(shown: str) -> str:
    return re.sub(r'<form class="search".*?</form>|href="[^"]*"', "", shown, flags=re.DOTALL)


def _can_be_read(searched: str, one: Example) -> bool:
    return " ".join(searched.split()).casefold() in " ".join(hides().clean(one.text).split()).casefold()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is tried reaches no database
@pytest.mark.parametrize("part", PARTS)
def test_a_body_that_is_tried_shows_what_slack_would_get(page_with: Callable[..., FlaskClient], part: int) -> None:
    client = page_with(config=CONFIG)
    sign_in(client)
    token = token_in(client.get("/try"))
    tried = EXAMPLES[part::SAMPLE]
    leaks = []
    for one in tried:
        told = body("k1", "g", f"{'x' * 40} {one.text}", groupName=one.text, **{"from": f"{one.text.split()[0]} x"})
        told |= {"metadata": {"said": f"{'y' * 45} {one.text}", "text": json.dumps({"a": [one.text]})}}
        shown = client.post("/try", data={"token": token, "body": json.dumps(told)}).text
        assert "What Slack would get" in shown
        leaks += leaked(readable(re.sub(r"<textarea.*?</textarea>", "", shown, flags=re.DOTALL)))
        if not one.details:
            assert " ".join(one.text.split()) in " ".join(_payload(shown).split())
    tell("tried bodies", len(tried), leaks)
    assert leaks == []


def _payload(shown: str) -> str:
    """What a person would read in the posts of a dry run."""
    posts = re.findall(r"<pre[^>]*>(.*?)</pre>", shown, re.DOTALL)
    return "\n".join(words(json.loads(readable(one))) for one in posts)


def test_no_list_of_deliveries_tells_a_detail(store: Store, run: Run, database_url: str) -> None:
    fill(store)
    flags = ([], ["--dead"], ["--waiting"], ["--rejected"])
    _report(run, database_url, [["list", "--limit", "2000", *more] for more in flags])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("part", PARTS)
def test_no_delivery_that_is_shown_tells_a_detail(store: Store, run: Run, database_url: str, part: int) -> None:
    fill(store)
    ids = [FIRST + number * len(KINDS) + 1 for number in range(1, len(EXAMPLES) + 1)][part::SAMPLE]
    _report(run, database_url, [["show", str(one)] for one in ids])


def _report(run: Run, database_url: str, asked: list[list[str]]) -> None:
    """For people and as JSON."""
    words = [[*one, *more] for one in asked for more in ([], ["--json"])]
    said = [run("deliveries", *one, DATABASE_URL=database_url) for one in words]
    assert {one.exit_code for one in said} == {0}
    leaks = [leak for one in said for leak in leaked(_decoded(one.stdout))]
    tell("reports of deliveries", len(said), leaks)
    assert leaks == []


def test_no_refused_body_tells_a_detail_and_look_alikes_can_be_read(store: Store, run: Run, database_url: str) -> None:
    fill(store)
    of = {one.text: one for one in EXAMPLES}
    leaks, wrong, looks = [], list[str](), 0
    for number, lines in enumerate(batches(), start=1):
        texts = [run("deliveries", "show", f"r{number}", *json, DATABASE_URL=database_url) for json in ([], ["--json"])]
        looks += len(texts)
        leaks += [leak for one in texts for leak in leaked(_decoded(one.stdout))]
        shown = json.loads(json.loads(texts[1].stdout)["body"])["metadata"]["lines"]
        wrong += [line for line, each in zip(lines, shown, strict=True) if not of[line].is_shown_as_meant(each)]
    tell("refused bodies", looks, leaks)
    assert (leaks, wrong) == ([], [])


def _decoded(said: str) -> str:
    """What it says, and what it says to whoever decodes what JSON has escaped, once and twice."""
    once = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), said)
    twice = re.sub(r"\\+u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), said)
    whole = [one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in (once, twice)]
    return "\n".join([said, *whole, *(one.replace("\\n", "\n").replace('\\"', '"') for one in whole)])


def test_where_nothing_is_to_be_hidden_all_of_it_is_told(page_with: Callable[..., FlaskClient], store: Store) -> None:
    """Or the others would prove nothing: by these views it can be seen."""
    fill(store)
    client = page_with(config={"default_channel": "C0X"})
    sign_in(client)
    number = next(n for n, one in enumerate(EXAMPLES, start=1) if one.details)
    for path in ("/conversations", "/dead-letters", f"/conversations/{number}"):
        told = leaked(readable("".join(pages(client, path))))
        assert told != []
    assert number in listed(_search(client, EXAMPLES[number - 1].details[0], "text"))
