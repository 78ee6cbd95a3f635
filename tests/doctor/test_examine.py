"""The frame: side by side, each check within its time, the worst first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relay.clock import SystemClock
from relay.doctor import CHECKS, Check, Setup, examine, replies
from relay.files import FilesBack
from relay.findings import Finding
from relay.settings import Config
from relay.settings.keys import WorkspaceKeys
from relay.store.db.engine import Store
from tests import harness


@pytest.fixture
def setup(store: Store, tmp_path: Path) -> Setup:
    """One whose vendors are not asked."""
    return Setup(harness.settings(), {}, tmp_path, store, SystemClock(), None, None)


def saying(*levels: str) -> Check:
    return Check(lambda _: [Finding(f"a_{level}", level, "It is so.") for level in levels])  # type: ignore[arg-type]


def codes(found: list[Finding]) -> list[str]:
    return [one.code for one in found]


def test_the_worst_comes_first_and_among_equals_the_first(setup: Setup) -> None:
    checks = {"one": saying("info", "warning"), "two": saying("error"), "three": saying("warning")}
    assert codes(examine(setup, checks)) == ["a_error", "a_warning", "a_info"]


def test_a_check_whose_ground_is_missing_tells_nothing(setup: Setup) -> None:
    checks = {"ground": saying("error"), "on it": Check(saying("warning").look, after="ground"), "else": saying("info")}
    assert codes(examine(setup, checks)) == ["a_error", "a_info"]


def test_a_check_that_hangs_is_left_and_the_others_count(setup: Setup) -> None:
    over = threading.Event()

    def hang(_: Setup) -> Iterator[Finding]:
        over.wait(harness.PATIENCE)
        yield Finding("never", "error", "Too late.")

    found = examine(setup, {"slow": Check(hang, limit=0.05), "quick": saying("warning")})
    over.set()
    assert codes(found) == ["check_late", "a_warning"]
    assert "the slow" in found[0].message


def test_a_mistake_of_ours_hides_nothing_and_quotes_nothing(setup: Setup) -> None:
    def fail(_: Setup) -> Iterator[Finding]:
        raise ValueError("what a customer wrote")

    found = examine(setup, {"broken": Check(fail), "other": saying("info")})
    assert codes(found) == ["check_failed", "a_info"]
    assert "customer" not in str(found[0])


def test_checks_run_side_by_side(setup: Setup) -> None:
    """Each waits for the other."""
    together = threading.Barrier(2)

    def meet(_: Setup) -> Iterator[Finding]:
        together.wait(harness.PATIENCE)
        yield Finding("met", "info", "They met.")

    assert codes(examine(setup, {"one": Check(meet), "two": Check(meet)})) == ["met"]


def test_each_check_waits_for_one_that_there_is() -> None:
    assert {check.after for check in CHECKS.values()} - {""} <= set(CHECKS)


def test_a_database_with_nothing_in_it_is_no_trouble(setup: Setup) -> None:
    """On both databases every statement of the checks runs."""
    stored = {name: check for name, check in CHECKS.items() if check.of_tables or name in ("database", "schema")}
    assert codes(examine(setup, stored)) == ["nothing_received"]


PLAIN: dict[str, Any] = {"slack_signing_secrets": ("secret",)}
BY_SOCKET: dict[str, Any] = {"slack_app_token": "xapp-1"}
ADDRESS: dict[str, Any] = {"public_url": "https://relay.example"}
ACME: dict[str, Any] = {"workspaces": {"acme": WorkspaceKeys(bot_token="xoxb-acme", signing_secrets=("secret",))}}


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        (PLAIN, []),
        (BY_SOCKET, ["files_no_address"]),
        (BY_SOCKET | ADDRESS, []),
        (ACME, ["files_no_address", "replies_off"]),
        (ACME | PLAIN, []),
        (ACME | {"config": Config(files_back=FilesBack.REFUSE)}, ["replies_off"]),
        ({}, ["replies_off"]),
    ],
)
def test_files_of_agents_need_an_address_that_somebody_knows(
    setup: Setup, known: dict[str, Any], codes: list[str]
) -> None:
    """What a further workspace's app calls the relay is not believed."""
    settings = replace(setup.settings, kommunicate_api_key="key", **known)
    assert [one.code for one in replies.look(replace(setup, settings=settings))] == codes
