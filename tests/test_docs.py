"""What the pages name exists, and whoever reads them finds the way. What exists is named: tests/test_reference.py."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from relay import __version__
from relay.delivery.handlers.marks import EMOJI
from relay.settings import SECRETS, VARIABLES, Route
from relay.slack.card import LABELS
from relay.slack.thread_notices import BUTTONS, _Now
from tests.commands import every_command
from tests.reference.logs import log_events
from tests.reference.settings import top_keys

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]  # they tell of the present; others of earlier days, too
AGENTS = (ROOT / "docs" / "agents.md").read_text()
EXAMPLE = (ROOT / "config.example.yaml").read_text()
OF_OTHERS = {
    "FLY_APP_NAME",
    "RAILWAY_ENVIRONMENT",
    "GROUP_CREATION_URL",
    "SHOP_API_KEY",
    "SHOP_WEBHOOK_TOKEN",
    "ACME_SLACK_BOT_TOKEN",
    "ACME_SLACK_SIGNING_SECRET",
}
FILES = ("conf", "db", "json", "log", "md", "py", "svg", "txt", "yaml", "yml")


def path_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def section(title: str) -> str:
    """README's text under a heading, up to the next of its level."""
    found = re.search(rf"(?ms)^## {re.escape(title)}$(.*?)(?=^## |\Z)", README)
    assert found, f"README has no section {title}"
    return found[1]


def code_in(page: Path) -> Iterator[str]:
    """Whatever is set as code, piece by piece, but for what Mermaid draws."""
    text = page.read_text()
    for language, block in re.findall(r"(?ms)^ *```(\w*)\n(.*?)^ *```$", text):
        if language != "mermaid":
            yield from (re.sub(r"\s#\s.*", "", line) for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^ *```.*?^ *```$", "", text))


def named(page: Path, pattern: str) -> set[str]:
    """Every name of a kind in a page's code."""
    return {name for piece in code_in(page) for name in re.findall(pattern, piece)}


def shipped_files() -> list[Path]:
    """All files that are, or would be, in the repository; without git there is no such list."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


COMMANDS = {
    " ".join(("relay", *path)): command for path, command in every_command() if not isinstance(command, click.Group)
}


def told_commands(page: Path) -> Iterator[tuple[str, str]]:
    """Every command that a page tells of, and what stands behind it."""
    for piece in code_in(page):
        for told in re.findall(r"(?<![\w./-])relay ([a-z][^#|]*)", piece):
            words = told.split()
            pair = " ".join(("relay", *words[:2]))
            yield (pair, told) if pair in COMMANDS else (f"relay {words[0]}", told)


@pytest.mark.parametrize("page", GUIDES, ids=path_of)
def test_every_command_and_option_in_a_guide_exists(page: Path) -> None:
    for name, told in told_commands(page):
        assert name in COMMANDS, told
        known = {each for option in COMMANDS[name].params for each in option.opts}
        assert set(re.findall(r"--[a-z][a-z-]+", told)) <= known | {"--help", "--version"}, told


@pytest.mark.parametrize("page", GUIDES, ids=path_of)
def test_every_make_target_in_a_guide_exists(page: Path) -> None:
    targets = re.findall(r"(?m)^([a-z-]+(?: [a-z-]+)*):", (ROOT / "Makefile").read_text())
    assert named(page, r"\bmake ([a-z-]+)") <= {name for line in targets for name in line.split()}


@pytest.mark.parametrize("page", GUIDES, ids=path_of)
def test_every_setting_and_event_in_a_guide_exists(page: Path) -> None:
    """Whatever looks like one, `replies.mode` or `send.failed`, is one."""
    known = {key.name for key in top_keys()} | log_events().keys()
    told = named(page, r"(?<![\w./:*@-])(?<!-m )[a-z_]+\.[a-z_]+(?![\w./-])")
    told = {name for name in told if not name.startswith("metadata.") and name.rpartition(".")[2] not in FILES}
    assert told <= known


@pytest.mark.parametrize("page", GUIDES, ids=path_of)
def test_every_variable_in_a_guide_exists(page: Path) -> None:
    known = {*VARIABLES, *(f"{name}_FILE" for name in SECRETS), "NAME_FILE"}
    told = named(page, r"\b[A-Z][A-Z0-9]+_[A-Z0-9_]+\b")
    assert told <= known | OF_OTHERS


@pytest.mark.parametrize("page", GUIDES, ids=path_of)
def test_every_metric_in_a_guide_is_one_of_the_reference(page: Path) -> None:
    metrics = (ROOT / "docs" / "reference.md").read_text().partition("## Metrics")[2]
    assert named(page, r"\brelay_[a-z_]+\b") - {"relay_id"} <= set(re.findall(r"(?m)^\| `(relay_\w+)`", metrics))


def test_agents_read_of_every_mark_line_and_button() -> None:
    page = " ".join(AGENTS.split())
    assert [name for name in EMOJI.values() if f":{name}:" not in page] == []
    labels = {*LABELS.values(), *BUTTONS.values(), "Retry"}
    assert [label for label in labels if label.replace("\u2026", "...") not in page] == []
    sentences = {str(now.value[0]) for now in _Now}
    lines = [re.sub(r"^\{who\} |[:.]? ?\{.*|: links.*|\.$", "", sentence) for sentence in sentences]
    assert [line for line in lines if line not in page] == []


def test_every_key_of_a_route_is_in_the_example() -> None:
    for name in Route.model_fields:
        assert re.search(rf"(?m)^#[ -]+{name}: ", EXAMPLE)


def test_the_readme_is_short_and_says_first_what_may_go_wrong() -> None:
    assert len(README.splitlines()) <= 170
    assert README.index("> **Know this before") < README.index("## ")


def test_the_readme_leads_to_every_guide() -> None:
    linked = set(re.findall(r"\]\((docs/\w[\w-]*\.md)", README))
    assert {path_of(page) for page in GUIDES[1:]} <= linked


def test_every_picture_is_shown_somewhere() -> None:
    shown = {
        (page.parent / name).resolve()
        for page in PAGES
        for name in re.findall(r"\]\(([\w./-]+\.(?:png|svg))\)", page.read_text())
    }
    pictures = {path.resolve() for kind in ("png", "svg") for path in (ROOT / "docs").rglob(f"*.{kind}")}
    assert pictures <= shown


def test_the_test_command_of_the_readme_is_the_one_that_ci_runs() -> None:
    assert re.findall(r"```sh\n(.*?)\n```", section("Test it")) == ["make test"]
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"(?m)^test:", (ROOT / "Makefile").read_text())


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_every_linked_file_and_heading_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text()), target


def anchors(text: str) -> set[str]:
    """What a heading's link ends in, as code hosts make it."""
    titles = re.findall(r"(?m)^#{1,6} (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_draws_the_flow_and_shows_a_picture() -> None:
    assert "```mermaid\nflowchart" in section("How it works")
    picture = ROOT / "docs" / "demo.png"
    assert "](docs/demo.png)" in README
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 300_000


# In pieces, or this file would be the first to be found.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"\bpy" + r"pi\b[.\w-]*",
            "python" + "hosted",
            r"(?<![\w.])/(?:wor" + r"k|tm" + r"p|hom" + r"e|roo" + r"t|User" + r"s)/",
            r"\.\./" + "shared",
        )
    ),
    re.IGNORECASE,
)


def test_no_file_names_a_package_registry_or_a_place_on_somebodys_machine() -> None:
    texts = {path: path.read_bytes().decode("utf-8", "replace") for path in shipped_files() if path.suffix != ".png"}
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path, text in texts.items() if (hit := FORBIDDEN.search(text))]
    assert found == []


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert [path.name for path in ADRS] == re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", index)


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_every_decision_tells_what_lost(path: Path) -> None:
    titles = re.findall(r"(?m)^## (.+)$", path.read_text())
    assert {"Context", "Decision", "Options that lost", "Consequences"} <= set(titles)


def test_the_changelog_has_this_version() -> None:
    assert re.search(rf"(?m)^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text())
