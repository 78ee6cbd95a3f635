"""`relay simulate` against a running relay."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from relay.cli.simulate import sample
from relay.sandbox import SandboxServer
from tests.cli.conftest import Run
from tests.harness import TOKEN, environment, timeline, wait_for, words
from tests.processes import RelayProcess
from tests.web.wire import lone_environment


def test_it_sends_what_a_customer_would(
    run: Run, start: Callable[..., RelayProcess], live_server: Callable[..., SandboxServer]
) -> None:
    slack = live_server(pace=0)
    env = environment(slack, "sqlite:///relay.db")
    start("serve", env=env).wait_ready()
    picture = "https://files.sandbox.test/broken-mug.png"
    with_picture = ("--text", "It broke", "--attachment", picture, "--group-id", "777")
    for flags in ((), with_picture):
        result = run("simulate", *flags, KOMMUNICATE_WEBHOOK_TOKEN=f"{TOKEN},older", PORT=env["PORT"])
        assert (result.exit_code, result.output) == (0, '200 {"status":"accepted"}\n')
    expected = ("Hello, my order has not arrived.", "It broke")
    # Two conversations: which one Slack shows first is nobody's promise.
    assert wait_for(lambda: all(text in shown(slack) for text in expected))
    assert wait_for(lambda: picture in json.dumps(timeline(slack)))


def shown(slack: SandboxServer) -> str:
    return "\n".join(words(message) for message in timeline(slack))


REFUSALS = [
    ({"KOMMUNICATE_WEBHOOK_TOKEN": "another"}, (), "401 "),
    ({"KOMMUNICATE_WEBHOOK_TOKEN": TOKEN}, ("--group-id", ""), "422 "),
]


def test_a_refusal_is_exit_1_with_the_relays_own_words(run: Run, start: Callable[..., RelayProcess]) -> None:
    env = lone_environment("sqlite:///relay.db")
    start("serve", "--no-worker", env=env).wait_ready()
    for settings, flags, begins in REFUSALS:
        result = run("simulate", *flags, **settings, PORT=env["PORT"])
        assert result.exit_code == 1
        assert result.output.startswith(begins)
        assert '"error"' in result.output


NOWHERE = [
    "http://127.0.0.1:1/",
    "nonsense",
    "http://[::1",
    "http://a..b/",
    "ftp://127.0.0.1/",
    "http://127.0.0.1:99999/",
]


@pytest.mark.parametrize("url", NOWHERE)
def test_nobody_there_is_exit_2_with_a_sentence(run: Run, url: str) -> None:
    result = run("simulate", "--url", url, KOMMUNICATE_WEBHOOK_TOKEN=TOKEN)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: no answer from {url}")


FILES = {
    "https://x.test/mug.png": ("mug.png", "image/png"),
    "https://x.test/a/mug.JPG?size=2#top": ("mug.JPG", "image/jpeg"),
    "https://x.test/bill.pdf": ("bill.pdf", "application/pdf"),
    "https://x.test/": ("picture.png", "image/png"),
    "https://x.test/unknown": ("unknown", "application/octet-stream"),
}


@pytest.mark.parametrize(("url", "named"), FILES.items())
def test_an_attachment_has_the_name_and_type_of_its_address(url: str, named: tuple[str, str]) -> None:
    file = sample("", url, "1")["file"]
    assert (file["name"], file["contentType"]) == named
    assert file["url"] == file["thumbnailUrl"] == url


def test_every_sample_has_a_key_of_its_own() -> None:
    assert sample("", None, "1")["key"] != sample("", None, "1")["key"]
