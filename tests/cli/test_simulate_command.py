"""`relay simulate` against a running relay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from relay.cli.simulate import sample
from relay.sandbox import SandboxServer
from tests.cli.conftest import Run
from tests.databases import Lend
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
        assert result.exit_code == 0
        assert result.output.startswith('200 {"status":"accepted"}\n')
    expected = ("Hello, my order has not arrived.", "It broke")
    # Two conversations: which one Slack shows first is nobody's promise.
    assert wait_for(lambda: all(text in shown(slack) for text in expected))
    assert wait_for(lambda: picture in json.dumps(timeline(slack)))


def test_it_follows_the_message_until_it_is_visible(
    run: Run, start: Callable[..., RelayProcess], live_server: Callable[..., SandboxServer], database_url: str
) -> None:
    slack = live_server(pace=0)
    env = environment(slack, database_url)
    start("serve", env=env).wait_ready()
    here = {"KOMMUNICATE_WEBHOOK_TOKEN": TOKEN, "PORT": env["PORT"], "DATABASE_URL": database_url}
    result = run("simulate", **here)
    assert result.exit_code == 0
    assert re.fullmatch(r"200 .*\nVisible in C0SUPPORT after \d+\.\d s\.\n", result.output)
    assert "Hello, my order has not arrived." in shown(slack)
    found = json.loads(run("simulate", "--json").output)
    assert (found["status"], found["answer"]) == (200, {"status": "accepted"})
    assert (found["message"]["fate"], found["message"]["channel"]) == ("visible", "C0SUPPORT")
    slack.sandbox.slack.archive("C0SUPPORT")
    result = run("simulate")
    assert result.exit_code == 1
    assert re.search(
        r"(?m)^Not visible after \d\.\d s, but waiting for C0SUPPORT: .*is_archived.*archived", result.output
    )


NOT_SHOWN = [
    ("", "Name a channel for it in the configuration"),
    ("default_channel: C0GENERAL", "Is a worker running?"),
]


@pytest.mark.parametrize(("config", "said"), NOT_SHOWN)
def test_it_says_why_a_message_is_not_visible(
    run: Run, start: Callable[..., RelayProcess], database_url: str, config: str, said: str
) -> None:
    env = lone_environment(database_url) | {"RELAY_CONFIG_YAML": config or "channels: {}"}
    start("serve", "--no-worker", env=env).wait_ready()
    here = {"KOMMUNICATE_WEBHOOK_TOKEN": TOKEN, "PORT": env["PORT"], "DATABASE_URL": database_url}
    result = run("simulate", "--wait", "0.3", **here)
    assert result.exit_code == 1
    assert said in result.output


def test_it_says_that_a_message_is_not_to_be_seen(
    run: Run, start: Callable[..., RelayProcess], live_server: Callable[..., SandboxServer], sqlite_database_url: str
) -> None:
    env = environment(live_server(pace=0), sqlite_database_url)
    env |= {"RELAY_CONFIG_YAML": "default_channel: C0GENERAL\nshow: alerts"}
    start("serve", env=env).wait_ready()
    here = {"KOMMUNICATE_WEBHOOK_TOKEN": TOKEN, "PORT": env["PORT"], "DATABASE_URL": sqlite_database_url}
    result = run("simulate", **here)
    assert result.exit_code == 1
    assert re.search(r"(?m)^Not visible after .* s, but ignored: ", result.output)


def test_where_the_database_is_not_at_hand_it_says_so_and_the_message_was_taken(
    run: Run, start: Callable[..., RelayProcess], lend_database: Lend
) -> None:
    env = lone_environment("sqlite:///its-own.db")
    start("serve", "--no-worker", env=env).wait_ready()
    here = {"KOMMUNICATE_WEBHOOK_TOKEN": TOKEN, "PORT": env["PORT"]}
    with lend_database("sqlite") as another:
        for url, said in (("sqlite:///nowhere.db", "does not lead to"), (another, "another relay's database")):
            result = run("simulate", **here, DATABASE_URL=url)
            assert result.exit_code == 0
            assert said in result.output
    assert run("simulate", "--wait", "0").output.count("\n") == 1


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
