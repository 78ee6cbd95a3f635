"""`relay init`: an empty folder to a set-up that the relay takes, and nothing lost on the way."""

from __future__ import annotations

import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from dotenv import dotenv_values

from relay.settings import NEEDS, Settings, check_settings
from relay.slack.manifest import creation_link, manifest_for
from tests.cli.conftest import Run
from tests.harness import PATIENCE, ROOT

ADDRESS = "https://relay.acme.test"
BOT, SIGNING, APP, KEY = "xoxb-1-canary", "canary-signing-secret", "xapp-1-canary", "canary-key"
SLACK = ("--bot-token", BOT, "--signing-secret", SIGNING, "--api-key", KEY)
MADE = {".env", "config.yaml", "slack-app.yaml"}


def variables(folder: Path) -> dict[str, str | None]:
    return dict(dotenv_values(folder / ".env", interpolate=False))


def settings(folder: Path) -> Settings:
    """What `relay serve` makes of it."""
    env = {name: value for name, value in variables(folder).items() if value is not None}
    found, findings = check_settings(env, need=NEEDS["serve"], cwd=folder)
    assert found is not None, findings
    return found


def test_all_options_make_a_set_up_that_the_relay_takes(run: Run, tmp_path: Path) -> None:
    result = run("init", "--public-url", f"{ADDRESS}/", "--channel", "#support", *SLACK)
    assert result.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == MADE
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    found = settings(tmp_path)
    assert (found.config.default_channel, found.public_url, found.warnings) == ("#support", ADDRESS, ())
    assert (found.slack_bot_token, found.slack_signing_secrets, found.kommunicate_api_key) == (BOT, (SIGNING,), KEY)
    assert found.admin_password
    assert len(found.webhook_tokens[0]) >= 32
    assert run("check").output == "The configuration is fine.\n"


def test_the_manifest_and_its_link_have_the_address(run: Run, tmp_path: Path) -> None:
    said = run("init", "--public-url", ADDRESS, "--yes").output
    manifest = yaml.safe_load((tmp_path / "slack-app.yaml").read_text())
    assert manifest["settings"]["event_subscriptions"]["request_url"] == f"{ADDRESS}/slack/events"
    assert manifest["settings"]["interactivity"]["request_url"] == f"{ADDRESS}/slack/interactions"
    assert manifest["features"]["slash_commands"][0]["url"] == f"{ADDRESS}/slack/interactions"
    (link,) = [line.strip() for line in said.splitlines() if "api.slack.com/apps?" in line]
    assert yaml.safe_load(unquote(link.partition("manifest_yaml=")[2])) == manifest
    assert f"{ADDRESS}/kommunicate/webhook" in said


def test_without_an_address_the_app_is_made_for_socket_mode(run: Run, tmp_path: Path) -> None:
    said = run("init", "--socket-mode", "--bot-token", BOT, "--app-token", APP).output
    manifest = (tmp_path / "slack-app.yaml").read_text()
    assert "url" not in manifest
    assert yaml.safe_load(manifest)["settings"]["socket_mode_enabled"] is True
    assert settings(tmp_path).hears_slack
    assert "Kommunicate does: through a tunnel" in said
    assert "SLACK_SIGNING_SECRET" not in said


@pytest.mark.parametrize("more", [("--public-url", ADDRESS), ("--public-url", ADDRESS, "--signing-secret", SIGNING)])
def test_an_address_that_comes_later_ends_socket_mode(run: Run, tmp_path: Path, more: tuple[str, ...]) -> None:
    """Nobody has an app-level token yet."""
    run("init", "--socket-mode", "--yes")
    said = run("init", *more, "--yes").output
    assert f"{ADDRESS}/slack/events" in (tmp_path / "slack-app.yaml").read_text()
    assert "SLACK_APP_TOKEN" not in said


def test_a_channel_is_told_as_it_must_be_written(run: Run, tmp_path: Path) -> None:
    """Without quotes YAML takes a name for a comment."""
    run("init", "--public-url", ADDRESS, "--yes")
    said = run("init", "--channel", "#support", "--yes").output
    assert 'write `default_channel: "#support"` there by hand' in said


def test_it_says_what_is_missing_and_keeps_everything_when_run_again(run: Run, tmp_path: Path) -> None:
    first = run("init", "--public-url", ADDRESS, "--channel", "C0SUPPORT")
    assert "Still missing: SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, KOMMUNICATE_API_KEY." in first.output
    before = variables(tmp_path)
    (tmp_path / ".env").write_text(f"# mine\nEXTRA='a b'\n{(tmp_path / '.env').read_text()}")
    (tmp_path / "config.yaml").write_text("default_channel: C0MINE  # mine\n")
    second = run("init", *SLACK)
    assert "Left alone: config.yaml" in second.output
    assert "Still missing" not in second.output
    assert "api.slack.com" not in second.output
    assert variables(tmp_path) == {
        **before,
        "EXTRA": "a b",
        "SLACK_BOT_TOKEN": BOT,
        "SLACK_SIGNING_SECRET": SIGNING,
        "KOMMUNICATE_API_KEY": KEY,
    }
    assert (tmp_path / ".env").read_text().startswith("# mine\nEXTRA='a b'\n")
    assert (tmp_path / "config.yaml").read_text() == "default_channel: C0MINE  # mine\n"
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert "Written" not in run("init").output
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_what_is_there_is_changed_by_somebodys_word_alone(run: Run, tmp_path: Path) -> None:
    run("init", "--public-url", ADDRESS, *SLACK)
    manifest = (tmp_path / "slack-app.yaml").read_text().replace("Chat Relay", "Desk")
    (tmp_path / "slack-app.yaml").write_text(manifest)
    assert "Written" not in run("init", "--yes").output  # somebody gave the app another name, which is theirs to choose
    asked = run("init", "--bot-token", "xoxb-another", "--public-url", "https://other.acme.test")
    assert "Left alone: SLACK_BOT_TOKEN in .env: it has a different value; --yes changes it" in asked.output
    assert "Left alone: slack-app.yaml: it is for a different address; --yes changes that" in asked.output
    assert settings(tmp_path).slack_bot_token == BOT
    assert (tmp_path / "slack-app.yaml").read_text() == manifest
    run("init", "--yes", "--bot-token", "xoxb-another", "--public-url", "https://other.acme.test")
    assert settings(tmp_path).slack_bot_token == "xoxb-another"
    assert (tmp_path / "slack-app.yaml").read_text() == manifest.replace(ADDRESS, "https://other.acme.test")


def test_the_environment_and_files_of_secrets_count_as_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(BOT)
    env = {
        "SLACK_BOT_TOKEN_FILE": "token",
        "SLACK_SIGNING_SECRET": SIGNING,
        "RELAY_CONFIG_YAML": "default_channel: C0X",
    }
    said = run("init", "--public-url", ADDRESS, "--signing-secret", "other", **env).output
    assert not {"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"} & set(variables(tmp_path))
    assert not (tmp_path / "config.yaml").exists()
    assert "SLACK_SIGNING_SECRET: the environment sets it, which wins over .env" in said
    assert "Still missing: KOMMUNICATE_API_KEY." in said


def test_a_copy_of_the_example_is_filled_in(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text())
    run("init", "--public-url", ADDRESS, "--channel", "C0X", *SLACK)
    assert settings(tmp_path).slack_bot_token == BOT
    assert (tmp_path / ".env").read_text().count("SLACK_BOT_TOKEN=") == 1


def test_a_checkout_stays_clean(run: Run, tmp_path: Path) -> None:
    """Whoever runs it in a clone can pull the next version."""
    for name in (".gitignore", "slack-manifest.yaml", ".env.example", "config.example.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    before = git(tmp_path, "status", "--porcelain")
    said = run("init", "--public-url", ADDRESS, *SLACK).output
    assert git(tmp_path, "status", "--porcelain") == before
    assert "Written: slack-app.yaml" in said


def git(folder: Path, *words: str) -> str:
    if not (command := shutil.which("git")):
        pytest.skip("git is not there")
    return subprocess.run([command, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_manifest_that_an_earlier_version_filled_in_is_used_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "slack-manifest.yaml").write_text(manifest_for(ADDRESS))
    run("init", "--yes", "--public-url", "https://other.acme.test")
    assert not (tmp_path / "slack-app.yaml").exists()
    assert (tmp_path / "slack-manifest.yaml").read_text() == manifest_for("https://other.acme.test")


def test_what_somebody_changed_in_the_manifest_stays_whichever_way_slack_takes(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "slack-app.yaml"
    run("init", "--yes", "--public-url", ADDRESS)
    mine = (
        path.read_text()
        .replace("Chat Relay", "Desk")
        .replace("/chats", "/desk")
        .replace("_metadata", "# mine\n_metadata")
    )
    path.write_text(mine)
    run("init", "--yes", "--socket-mode")
    assert "request_url" not in path.read_text()
    run("init", "--yes", "--no-socket-mode", "--public-url", "https://other.acme.test")
    assert path.read_text().count("# mine") == 1
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(mine.replace(ADDRESS, "https://other.acme.test"))


def test_a_manifest_without_a_place_for_the_address_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "slack-app.yaml").write_text("display_information: {name: Desk}\n")
    said = run("init", "--yes", "--public-url", ADDRESS).output
    assert "has no place for this one; change it by hand" in said
    assert (tmp_path / "slack-app.yaml").read_text() == "display_information: {name: Desk}\n"


WRONG = [
    (("--bot-token", "xoxp-canary"), "a user's token"),
    (("--bot-token", "xapp-canary"), "an app-level token"),
    (("--signing-secret", "xoxb-canary"), "a token instead of the signing secret"),
    (("--app-token", "xoxb-canary"), "is not an app-level token"),
    (("--api-key", "two canaries"), "a space or a line break"),
    (("--database-url", "mysql://canary"), "neither SQLite nor PostgreSQL"),
    (("--public-url", "http://relay.acme.test"), "Slack only calls https addresses."),
    (("--public-url", "https://127.0.0.1:8080"), "Nobody outside can reach that address."),
    (("--public-url", "https://box.local"), "Nobody outside can reach that address."),
    (("--public-url", "relay.acme.test"), "not an http or https address"),
    (("--channel", "support"), "is not a Slack channel"),
    (("--channel", "@ann"), "is not a Slack channel"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=lambda part: " ".join(part) if isinstance(part, tuple) else "")
def test_a_wrong_value_is_said_at_once_and_nothing_is_written(
    run: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    result = run("init", "--socket-mode", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "canar" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_value_that_is_there_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxp-canary\n")
    assert "SLACK_BOT_TOKEN holds a user's token" in run("init", "--yes").output
    assert "canary" not in run("init", "--yes").output


def test_no_secret_it_was_given_is_printed(run: Run, tmp_path: Path) -> None:
    words = ("init", "--public-url", ADDRESS, *SLACK, "--database-url", "postgresql://u:canary@h/d")
    said = run(*words).output + run(*words, "--yes").output
    assert "canary" not in said
    assert variables(tmp_path)["KOMMUNICATE_WEBHOOK_TOKEN"] not in said  # a log is no place for it


@pytest.mark.parametrize("words", [(), ("--channel", "C0X"), ("--no-socket-mode", "--yes")])
def test_where_nobody_can_be_asked_the_way_must_be_named(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run("init", *words)
    assert result.exit_code == 2
    assert "--public-url" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_relay_with_an_address_nobody_named_is_not_changed_to_socket_mode(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SLACK_SIGNING_SECRET={SIGNING}\n")
    assert run("init", "--yes").exit_code == 2
    assert run("init", "--yes", "--public-url", ADDRESS).exit_code == 0


def test_others_who_can_read_the_file_are_told_of(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\n")
    (tmp_path / ".env").chmod(0o644)
    assert "chmod 600 .env" in run("init", "--socket-mode").output
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o644


def test_a_password_arrives_as_it_was_given(run: Run, tmp_path: Path) -> None:
    url = "postgresql://u:p%20$HOME'\\#\"x@h/d"
    run("init", "--socket-mode", "--bot-token", BOT, "--database-url", url)
    assert settings(tmp_path).database_url == url


def test_every_link_is_short_enough_for_a_browser() -> None:
    assert max(len(creation_link(manifest_for(one))) for one in (None, f"https://{'a' * 200}.test")) < 8000


class Terminal:
    """`relay init` at a terminal of its own, as a person sees it."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.said = ""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - another process
            os.chdir(folder)
            env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "dumb", "LANG": "C.UTF-8"}
            os.execve(sys.executable, [sys.executable, "-m", "relay", "init", *words], env)

    def sees(self, words: str) -> None:
        """Wait until that is said."""
        ends = time.monotonic() + PATIENCE
        while words not in self.said:
            assert time.monotonic() < ends, self.said
            self._read(0.1)
        self.said = self.said.partition(words)[2]

    def answer(self, question: str, answer: str) -> None:
        """Wait for a question, and answer it."""
        self.sees(question)
        os.write(self._fd, f"{answer}\n".encode())

    def end(self) -> tuple[int, str]:
        """The exit code, and what was said since the last question."""
        while self._read(PATIENCE):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), self.said

    def _read(self, seconds: float) -> bool:
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            found = os.read(self._fd, 65536)
        except OSError:  # the terminal is gone
            return False
        self.said += found.decode(errors="replace")
        return bool(found)


def test_at_a_terminal_it_asks_again_until_an_answer_is_good_and_never_shows_a_secret(tmp_path: Path) -> None:
    at = Terminal(tmp_path)
    at.answer("public https address", "http://relay.acme.test")
    at.sees("Slack only calls https addresses")
    at.answer("public https address", ADDRESS)
    at.answer("Slack channel", "support")
    at.sees("is not a Slack channel")
    at.answer("Slack channel", "#support")
    at.answer("Database", "")
    at.answer("Bot User OAuth Token, xoxb", "xoxp-canary")
    at.sees("a user's token")
    at.answer("Bot User OAuth Token, xoxb", BOT)
    at.answer("Signing Secret (Enter", SIGNING)
    at.answer("API key, for replies", "")
    code, said = at.end()
    assert code == 0
    assert "canary" not in said
    found = settings(tmp_path)
    assert (found.slack_bot_token, found.config.default_channel) == (BOT, "#support")
    assert found.webhook_tokens[0] in said  # to be pasted, once
    again = Terminal(tmp_path)
    again.answer("API key, for replies", KEY)
    code, said = again.end()
    assert (code, settings(tmp_path).kommunicate_api_key) == (0, KEY)
    assert found.webhook_tokens[0] not in said
