"""Writes down what pytest has found: `pytest --collect-only -p tests.listing --listing FILE`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from tests.sampling import ENGINES, NAMES


@dataclass(frozen=True)
class Listed:
    """A test in one of its cases."""

    file: str
    name: str
    is_long: bool
    values: dict[str, str] = field(default_factory=dict)

    @property
    def engine(self) -> str | None:
        """On which database it runs, if it says so."""
        return next((self.values[name] for name in NAMES if self.values.get(name) in ENGINES), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--listing", metavar="FILE", help="where to write the tests to, as JSON")


def pytest_collection_finish(session: pytest.Session) -> None:
    tests = [asdict(_listed(item)) for item in session.items if isinstance(item, pytest.Function)]
    Path(session.config.getoption("--listing")).write_text(json.dumps(tests))


def _listed(item: pytest.Function) -> Listed:
    file, is_long = item.path.relative_to(item.config.rootpath).as_posix(), item.get_closest_marker("long") is not None
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return Listed(file, item.originalname, is_long, {name: str(value) for name, value in params.items()})
