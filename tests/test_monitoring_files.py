"""The dashboard and the alert rules that people copy: what they ask for exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from relay.metrics import render_metrics
from relay.store.db.engine import Store
from tests.harness import ROOT

RULES = ROOT / "docs" / "alerts.rules.yaml"
DASHBOARD = json.loads((ROOT / "docs" / "grafana.json").read_text())
OLD = {"relay_received", "relay_delivered"}  # gone with the next release


def metrics(store: Store) -> dict[str, set[str]]:
    """What can be asked for, by the name of its family."""
    endings = {"counter": {"_total"}, "histogram": {"_bucket", "_count", "_sum"}}
    families = text_string_to_metric_families(render_metrics(store).decode())
    return {one.name: {one.name + end for end in endings.get(one.type, {""})} for one in families}


def expressions() -> Iterator[str]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_every_metric_that_they_name_exists_and_every_metric_is_shown(store: Store) -> None:
    known = metrics(store)
    named = {name for one in expressions() for name in re.findall(r"\brelay_\w+", one)}
    assert named <= {name for names in known.values() for name in names}
    assert {family for family, names in known.items() if not names & named} == OLD


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from texts(value)


def test_every_command_that_an_alert_names_exists() -> None:
    """Whoever is woken by it types it as it stands."""
    told = " ".join(texts(yaml.safe_load(RULES.read_text())))
    named = set(re.findall(r"`relay ([a-z]+)", told))
    assert named == {"check", "deliveries", "doctor"}
    assert all((ROOT / "relay" / "cli" / f"{name}.py").exists() for name in named)


def test_each_alert_says_what_it_is_and_what_to_do() -> None:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert set(rule["annotations"]) == {"summary", "description"}
            assert rule["labels"]["severity"] in ("critical", "warning")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
