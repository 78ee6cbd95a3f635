"""What several tests of the store begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relay.store.db.engine import Store
from tests.store.planned import fill_history, planned


@pytest.fixture
def full(store: Store) -> Store:
    """A store with a long history."""
    fill_history(store)
    return store


@pytest.fixture
def plans(full: Store) -> Iterator[list[str]]:
    """The plan of every statement from here on."""
    with planned(full) as seen:
        yield seen
