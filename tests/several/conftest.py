"""Two accounts and two workspaces on one relay, on both databases, in injected time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from tests.harness import FakeClock
from tests.several.twins import Twins, other_sandbox


@pytest.fixture
def there(clock: FakeClock) -> Iterator[SandboxServer]:
    """The second workspace and the second account."""
    with SandboxServer(other_sandbox(clock.now, burst=3)) as server:
        yield server


@pytest.fixture
def make_twins(store: Store, server: SandboxServer, clock: FakeClock, there: SandboxServer) -> Callable[..., Twins]:
    """Both on one relay, with a configuration."""
    return lambda **config: Twins(store, server, clock, there, **config)
