"""The two example files say everything there is to set, and nothing that is not so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from relay.settings import NEEDS, SECRETS, VARIABLES, Config, check_config, check_settings
from relay.wiring.route_tests import run_tests

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "config.example.yaml").read_text()
ENV = (ROOT / ".env.example").read_text()


def test_the_example_config_holds_exactly_the_defaults():
    config, findings = check_config(CONFIG, "config.example.yaml")
    assert config == Config()
    assert [finding.code for finding in findings] == ["every_chat_waits"]


def test_the_example_config_shows_every_key():
    shown = yaml.safe_load(CONFIG)
    assert list(shown) == list(Config.model_fields)
    for section in ("alerts", "kommunicate", "replies", "delivery"):
        assert list(shown[section]) == list(getattr(Config(), section).model_dump())


def test_the_samples_in_its_comments_are_right():
    samples = "\n".join(re.findall(r"(?m)^#   (.*)$", CONFIG))
    config, findings = check_config(samples, "samples")
    assert findings == []
    assert config is not None
    assert [route.name for route in config.routes] == ["enterprise", "German, at night and at weekends"]
    assert list(run_tests(config)) == []


@pytest.mark.parametrize("name", VARIABLES)
def test_the_example_environment_explains_every_variable_in_one_line(name):
    assert len(re.findall(rf"(?m)^# [^\n=]+\.\n(?:# )?{name}=", ENV)) == 1


def test_the_example_environment_names_nothing_that_is_not_read():
    named = re.findall(r"(?m)^(?:# )?([A-Z0-9_]+)=", ENV)
    assert sorted(named) == sorted(VARIABLES)


def test_a_placeholder_left_in_place_is_refused():
    env = dict(dotenv_values(ROOT / ".env.example")) | {"RELAY_CONFIG_YAML": "default_channel: C0X"}
    _, findings = check_settings(env, need=NEEDS["serve"], cwd=ROOT)
    told = [(finding.code, finding.where) for finding in findings]
    assert told == [("placeholder", "KOMMUNICATE_WEBHOOK_TOKEN"), ("placeholder", "SLACK_BOT_TOKEN")]


def test_every_placeholder_of_a_secret_is_known_as_one():
    values = dict(re.findall(r"(?m)^(?:# )?([A-Z0-9_]+)=(.*)$", ENV)) | {"RELAY_CONFIG_YAML": "default_channel: C0X"}
    del values["RELAY_CONFIG"], values["RELAY_FAILPOINT"]
    _, findings = check_settings(values, need=NEEDS["serve"], cwd=ROOT)
    assert {finding.where for finding in findings} == set(SECRETS) - {"DATABASE_URL"}
