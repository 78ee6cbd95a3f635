"""The only place where concrete objects are constructed."""

from relay.wiring.delivering import (
    build_context,
    build_housekeeping,
    build_worker,
    build_workspaces,
    file_hosts,
    hear_of_others,
    slack_limits,
)
from relay.wiring.examining import build_setup, codes_for_strangers, examine_from_now_on
from relay.wiring.identity import Learning, learn_identity
from relay.wiring.keeping import build_keepers
from relay.wiring.relay import Relay, build_relay, ready_schema, tell_others
from relay.wiring.reloading import Reloader
from relay.wiring.tracing import start_tracing

__all__ = [
    "Learning",
    "Relay",
    "Reloader",
    "build_context",
    "build_housekeeping",
    "build_keepers",
    "build_relay",
    "build_setup",
    "build_worker",
    "build_workspaces",
    "codes_for_strangers",
    "examine_from_now_on",
    "file_hosts",
    "hear_of_others",
    "learn_identity",
    "ready_schema",
    "slack_limits",
    "start_tracing",
    "tell_others",
]
