"""What `make test` leaves to `make test-long` is never a way of dying, failing or refusing that is not tried there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from typing import Any

import pytest

from relay.failpoints import FAILPOINTS
from relay.sandbox.faults import KINDS
from relay.slack.codes import is_documented
from tests.harness import ROOT
from tests.listing import Listed
from tests.sampling import ENGINES, Case, sample
from tests.slack.test_slack_errors import CODES

# Nothing of these is ever left out: what the vendors may answer, and each fault of the sandbox by itself.
WHOLE = ("tests/slack/", "tests/kommunicate/", "tests/sandbox/", "tests/net/")


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> list[Listed]:
    """All tests, as a run without `-m` finds them."""
    path = tmp_path_factory.mktemp("listing") / "tests.json"
    listing = ["--collect-only", "-qq", "-p", "no:cacheprovider", "-p", "tests.listing", "--listing", str(path)]
    subprocess.run([sys.executable, "-m", "pytest", "tests", *listing], cwd=ROOT, check=True, capture_output=True)
    return [Listed(**one) for one in json.loads(path.read_text())]


@pytest.fixture(scope="module")
def short(every: list[Listed]) -> list[Listed]:
    """Those that `make test` runs."""
    return [test for test in every if not test.is_long]


def test_both_runs_together_are_every_test() -> None:
    rules = re.findall(r"(?m)^(test\S*):.*\n\t\$\(PYTEST\) -m (.*)$", (ROOT / "Makefile").read_text())
    assert rules == [("test", '"not long"'), ("test-long", "long")]
    ci = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in ci if line.startswith("make ")] == ["make check", "make test", "make test-long"]


def test_the_short_run_dies_at_every_failpoint(short: list[Listed]) -> None:
    dying = {test.values.get("failpoint") or test.values.get("place") for test in short if "tests/crash/" in test.file}
    assert dying - {None} == set(FAILPOINTS)


def test_the_short_run_meets_every_code_of_slacks_that_has_a_test(short: list[Listed]) -> None:
    met = {test.values["code"] for test in short if test.name == "test_it_knows_every_code"}
    assert met == {code for code, _ in CODES}
    assert sum(map(is_documented, met)) > 100


def test_the_short_run_tries_every_answer_and_every_fault_by_itself(every: list[Listed], short: list[Listed]) -> None:
    alone = [test for test in every if test.file.startswith(WHOLE)]
    assert len(alone) > 1000
    assert [test for test in alone if test.is_long] == []
    files = {test.file for test in short if test.file.startswith(("tests/sandbox/", "tests/replies/"))}
    words = "".join((ROOT / file).read_text() for file in files)
    assert [kind for kind in KINDS if f'"{kind}"' not in words] == []


def test_the_short_run_meets_every_silence_of_slacks(every: list[Listed], short: list[Listed]) -> None:
    def rules(tests: list[Listed]) -> set[str]:
        return {test.values["rule"] for test in tests if test.name == "test_silence_loses_and_doubles_nothing"}

    assert rules(short) == rules(every)
    assert len(rules(every)) > 10


def test_the_short_run_has_both_databases_in_each_file(every: list[Listed], short: list[Listed]) -> None:
    """A file with a single test of both is the exception: it has one of them."""
    tests_of = Counter(test.file for test in short if test.engine)
    files = {test.file for test in every if test.is_long and test.engine and tests_of[test.file] > 1}
    assert len(files) > 20
    assert [file for file in files if not {test.engine for test in short if test.file == file} >= ENGINES] == []


def cases(**values: list[str]) -> list[Case]:
    return [frozenset(zip(values, combination, strict=True)) for combination in product(*values.values())]


def test_a_sample_has_each_value_once_and_each_pair_of_the_few() -> None:
    every = cases(engine=["sqlite", "postgres"], rule=list("abcdefgh"), call=["root", "post"])
    chosen = sample(every, Counter())
    assert sorted(dict(case)["rule"] for case in chosen) == list("abcdefgh")
    assert Counter((dict(case)["engine"], dict(case)["call"]) for case in chosen) == dict.fromkeys(
        product(["sqlite", "postgres"], ["root", "post"]), 2
    )
    assert chosen == sample(every, Counter())


def test_tests_without_other_parameters_run_on_both_databases_in_turns() -> None:
    used: Counter[Any] = Counter()
    chosen = [sample(cases(engine=["sqlite", "postgres"]), used) for _ in range(4)]
    assert [dict(case)["engine"] for (case,) in chosen] == ["sqlite", "postgres", "sqlite", "postgres"]
