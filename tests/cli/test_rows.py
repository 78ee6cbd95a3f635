"""What a command prints: nothing of what came from outside acts on the terminal, reorders or hides (S18)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.cli.rows import print_fields, print_rows

INVISIBLE = (
    "\u00ad\u034f\u180e\u200b\u200e\u200f\u2028\u202a\u202e\u2060\u2066\u2069\ufeff\ufff9\U000e0041\U000e007f\x1b\r"
)
hidden = st.text(st.sampled_from(INVISIBLE + "ab \u0645\u00e9[]"), max_size=40)


@pytest.mark.parametrize("as_json", [True, False])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hidden, hidden)
def test_nothing_that_is_not_seen_is_printed(
    capsys: pytest.CaptureFixture[str], as_json: bool, cause: str, key: str
) -> None:
    row = {"key": key, "cause": cause}
    print_rows([row], ["key", "cause"], as_json=as_json, empty="none")
    print_fields({**row, "sends": [row]}, as_json=as_json)
    assert not set(INVISIBLE) & set(capsys.readouterr().out)
