"""The page that findings lead to has a section for each code there is, and none for others."""

from __future__ import annotations

import re
from pathlib import Path

from tests.reference.codes import finding_codes

PAGE = (Path(__file__).parents[1] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"(?ms)^### ([a-z0-9_]+)\n(.*?)(?=^##|\Z)", PAGE))


def test_every_code_has_a_section() -> None:
    codes = finding_codes()
    assert len(codes) > 140
    assert sorted(set(codes) - set(SECTIONS)) == []


def test_no_section_is_about_a_code_that_nobody_tells() -> None:
    assert sorted(set(SECTIONS) - set(finding_codes())) == []
    assert len(re.findall(r"(?m)^### ", PAGE)) == len(SECTIONS)


def test_every_section_says_something() -> None:
    assert [code for code, words in SECTIONS.items() if len(words.split()) < 5] == []


def test_it_begins_with_what_people_see() -> None:
    titles = re.findall(r"(?m)^## (.+)$", PAGE)
    assert titles[0] == "What you see"
    rows = re.findall(r"(?m)^\| .+ \|$", PAGE.partition("## The database")[0])
    assert len(rows) > 12
