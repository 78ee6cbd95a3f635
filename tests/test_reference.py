"""Everything that has a name in the code is explained in `docs/reference.md`, and nothing else is."""

from __future__ import annotations

import re

from tests.harness import ROOT
from tests.reference.codes import finding_codes
from tests.reference.page import PAGE, missing, render


def test_everything_with_a_name_has_a_meaning() -> None:
    """Each line says what lacks, where it is in the code, and to which file a line is to be added."""
    assert missing() == []


def test_the_reference_is_what_the_code_says() -> None:
    assert PAGE.read_text() == render(), "docs/reference.md is behind the code: run `make reference`"


def test_no_finding_that_people_have_met_is_missing() -> None:
    """The gallery of broken files holds codes as they are printed; the reader of the source must know them all."""
    told = "".join(path.read_text() for path in (ROOT / "tests" / "settings" / "gallery").glob("*.txt"))
    met = set(re.findall(r" (?:error|warning) \[([a-z_0-9]+)\]", told))
    assert len(met) > 15
    assert met <= finding_codes().keys()
