"""An agent's desk on both databases, in injected time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from tests.harness import FakeClock
from tests.replies.desk import Desk


@pytest.fixture
def make_desk(store: Store, server: SandboxServer, clock: FakeClock) -> Callable[..., Desk]:
    """A desk with a configuration: `make_desk(replies={"undo_seconds": 0})`."""
    return lambda **config: Desk(store, server, clock, **config)


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk where a customer has written."""
    desk = make_desk()
    desk.customer("m1 my mug is broken")
    return desk
