"""A relay's delivery on both databases, against a sandbox on a real port, in injected time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store
from tests.delivery.rig import Rig
from tests.harness import FakeClock


@pytest.fixture
def rig(store: Store, server: SandboxServer, clock: FakeClock) -> Callable[..., Rig]:
    """Delivery with a configuration: `rig(channels={"1": "C0VIP"})`."""
    return lambda **config: Rig(store, server, clock, **config)
