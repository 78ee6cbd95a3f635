"""Broken files from the field, each with what `relay check` says of it, word by word; and what an editor can see."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from relay.settings import check_config
from relay.settings.json_schema import json_schema
from relay.wiring.route_tests import run_tests
from tests.harness import ROOT

GALLERY = Path(__file__).parent / "gallery"
FILES = sorted(GALLERY.glob("*.yaml"))
# What no schema can say: it sees the values after YAML has read them, each for itself.
ONLY_CHECKED = {
    "03-name-is-a-comment",
    "08-octal-group",
    "15-route-twice",
    "16-pattern-with-look-ahead",
    "17-pattern-too-large",
    "18-range-backwards",
    "19-hours-without-zone",
    "20-zone-unknown",
    "22-route-test-fails",
    "24-lease-too-short",
    "41-account-misspelt",
    "42-workspace-not-named",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_file_is_explained(file: Path) -> None:
    """Every finding with its place, code, sentence and what to do; to write a new one down, copy what it says."""
    _, found = check_config(file.read_text(), "config.yaml", run_tests)
    assert "\n".join(map(str, found)) + "\n" == file.with_suffix(".txt").read_text()


@pytest.fixture(scope="module")
def schema_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    path.write_text(json.dumps(json_schema()))
    return path


def is_valid(schema: Path, *files: Path) -> bool:
    """What an editor's validator says."""
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), *map(str, files)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def test_the_schema_refuses_each_broken_file_that_a_schema_can(schema_file: Path) -> None:
    accepted = {file.stem for file in FILES if is_valid(schema_file, file)}
    assert accepted == ONLY_CHECKED


def test_the_schema_accepts_files_that_are_right(schema_file: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.yaml"
    plain.write_text('channels: {123456: C0SUPPORT, "9": "#billing"}\nretention: 30d\nremind: {after: never}\n')
    assert is_valid(schema_file, plain, ROOT / "config.example.yaml")


def test_the_schema_in_the_docs_is_the_present_one() -> None:
    """Made by `relay check --schema > docs/config.schema.json`."""
    assert json.loads((ROOT / "docs" / "config.schema.json").read_text()) == json_schema()
