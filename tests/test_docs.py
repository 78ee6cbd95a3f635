"""What is public is documented, and what is documented exists."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from pydantic import BaseModel

from relay import __version__
from relay.metrics import render_metrics
from relay.settings import SECRETS, VARIABLES, Config, Route
from relay.store.db.engine import Store
from tests.commands import every_command

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = yaml.safe_load((ROOT / "config.example.yaml").read_text())


def section(title: str) -> str:
    """README's text under a heading, up to the next of its level."""
    found = re.search(rf"(?ms)^## {re.escape(title)}$(.*?)(?=^## |\Z)", README)
    assert found, f"README has no section {title}"
    return found[1]


def keys(model: type[BaseModel], *path: str) -> Iterator[str]:
    for name, value in model.model_fields.items():
        if isinstance(value.annotation, type) and issubclass(value.annotation, BaseModel):
            yield from keys(value.annotation, *path, name)
        else:
            yield ".".join((*path, name))


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


def row_of(command: str) -> str:
    """The line of README's command table that is about a command."""
    rows = [line for line in section("Commands").splitlines() if re.match(rf"\| `{command}( [A-Z]+)?` \|", line)]
    assert len(rows) == 1, f"README's table has {len(rows)} rows for {command}"
    return rows[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_readme(name: str) -> None:
    row = row_of(name)
    for option in COMMANDS[name].params:
        if isinstance(option, click.Option):
            assert re.search(rf"`{option.opts[0]}[ `]", row), f"{name} {option.opts[0]}"


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    named = set(re.findall(r"(?m)^\| `(relay [a-z ]+?)(?: [A-Z]+)?` \|", section("Commands")))
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_is_in_the_readme_and_in_the_example(name: str) -> None:
    assert re.search(rf"(?m)^\|[^|]*`{name}`[^|]*\|", section("Environment"))
    assert re.search(rf"(?m)^(# )?{name}=", (ROOT / ".env.example").read_text())


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_is_called_one_in_the_readme(name: str) -> None:
    assert re.search(rf"(?m)^\| `{name}` \|[^|]*\| secret[;.]", section("Environment"))


@pytest.mark.parametrize("key", list(keys(Config)))
def test_every_setting_is_in_the_readme_and_in_the_example(key: str) -> None:
    assert f"| `{key}` |" in section("Settings")
    found = EXAMPLE
    for name in key.split("."):
        assert name in found
        found = found[name]


def test_every_key_of_a_route_is_in_the_readme_and_in_the_example() -> None:
    for name in Route.model_fields:
        assert f"`{name}`" in section("Settings")
        assert re.search(rf"(?m)^#[ -]+{name}: ", (ROOT / "config.example.yaml").read_text())


def test_the_readme_tells_the_defaults_of_the_example() -> None:
    rows = re.findall(r"(?m)^\| `([a-z_.]+)` \| `([^`|]*)` \|", section("Settings"))
    wrong = []
    for key, default in rows:
        found = EXAMPLE
        for name in key.split("."):
            found = found[name]
        if found is not None and yaml.safe_load(default) != found:
            wrong.append(key)
    assert len(rows) > 15
    assert wrong == []


def test_every_metric_is_in_the_readme(store: Store) -> None:
    names = set(re.findall(r"(?m)^# TYPE (\S+)", render_metrics(store).decode()))
    assert names == set(re.findall(r"(?m)^\| `(relay_\w+)` \|", section("On call")))


def test_every_log_event_in_the_readme_is_one_that_the_code_writes() -> None:
    code = "".join(path.read_text() for path in (ROOT / "relay").rglob("*.py"))
    told = section("On call").partition("### Log events")[2].partition("### Symptoms")[0]
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", told))
    assert len(named) > 10
    assert [event for event in sorted(named) if f'"{event}"' not in code] == []


def test_the_test_command_of_the_readme_is_the_one_that_ci_runs() -> None:
    assert re.findall(r"```sh\n(.*?)\n```", section("Test it")) == ["make test"]
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"(?m)^test:", (ROOT / "Makefile").read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
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
