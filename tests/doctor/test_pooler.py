"""A pooler that nobody has named is told of; one that was named is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relay.clock import SystemClock
from relay.doctor import Setup
from relay.doctor.pooler import look
from tests import harness
from tests.own_postgres import address, own_postgres, pooled
from tests.store.test_prepared import store_at


@pytest.mark.long
def test_a_pooler_that_nobody_has_named(tmp_path: Path) -> None:
    with own_postgres(tmp_path) as server, pooled(server, tmp_path) as port, store_at(address(port)) as store:
        setup = Setup(harness.settings(), {}, tmp_path, store, SystemClock(), None, None)
        (found,) = look(setup)
        assert (found.code, found.where) == ("pooler_unnamed", "DATABASE_POOLER")
        named = replace(setup, settings=replace(setup.settings, database_pooler=True))
        assert list(look(named)) == []
