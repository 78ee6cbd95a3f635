"""Secrets from files, and no secret in anything that is said."""

from __future__ import annotations

from operator import attrgetter

import pytest

from relay.settings import NEEDS, SECRETS, check_settings, load_settings

GOOD = {
    "DATABASE_URL": "postgres://u:p@h/d",
    "KOMMUNICATE_WEBHOOK_TOKEN": "hook",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "RELAY_CONFIG_YAML": "default_channel: C0X",
    "AWS_ACCESS_KEY_ID": "key",
    "SLACK_APP_TOKEN": "xapp-1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
}
FIELDS = {
    "DATABASE_URL": "database_url",
    "KOMMUNICATE_WEBHOOK_TOKEN": "webhook_tokens",
    "KOMMUNICATE_API_KEY": "kommunicate_api_key",
    "SLACK_BOT_TOKEN": "slack_bot_token",
    "SLACK_SIGNING_SECRET": "slack_signing_secrets",
    "SLACK_APP_TOKEN": "slack_app_token",
    "RELAY_ADMIN_PASSWORD": "admin_password",
    "RELAY_METRICS_TOKEN": "metrics_token",
    "AWS_SECRET_ACCESS_KEY": "files.access.secret",
    "OTEL_EXPORTER_OTLP_HEADERS": "traces",  # among others, by its name
}
REQUIRED = ["DATABASE_URL", "KOMMUNICATE_WEBHOOK_TOKEN", "SLACK_BOT_TOKEN"]
CANARY = "xoxb-c4n4ry"


def with_file(name: str, path: str) -> dict[str, str]:
    """A good environment that takes one secret from a file."""
    return {key: value for key, value in GOOD.items() if key != name} | {f"{name}_FILE": path}


def findings(env, cwd):
    return [(item.code, item.where) for item in check_settings(env, need=NEEDS["serve"], cwd=cwd)[1]]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_its_file_without_the_line_break(tmp_path, name):
    value = GOOD.get(name, "s3cret")
    (tmp_path / "secret").write_bytes(value.encode() + b"\r\n")
    settings = load_settings(with_file(name, "secret"), need=NEEDS["serve"], cwd=tmp_path)
    found = attrgetter(FIELDS[name])(settings)
    assert (found[name] if isinstance(found, dict) else found) in (value, (value,))


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_given_twice_is_refused(tmp_path, name):
    (tmp_path / "secret").write_text("x")
    env = GOOD | {name: GOOD.get(name, "x"), f"{name}_FILE": "secret"}
    assert findings(env, tmp_path) == [("both_set", name)]


@pytest.mark.parametrize("name", SECRETS)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name):
    assert findings(with_file(name, "gone"), tmp_path) == [("unreadable", f"{name}_FILE")]


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff")
    assert findings(with_file("SLACK_BOT_TOKEN", "secret"), tmp_path) == [("unreadable", "SLACK_BOT_TOKEN_FILE")]


@pytest.mark.parametrize("name", REQUIRED)
def test_an_empty_file_is_refused_where_the_secret_is_required(tmp_path, name):
    (tmp_path / "secret").write_text("\n")
    assert findings(with_file(name, "secret"), tmp_path) == [("empty", f"{name}_FILE")]


@pytest.mark.parametrize("name", sorted(set(SECRETS) - set(REQUIRED)))
def test_an_empty_file_of_an_optional_secret_is_as_if_not_set(tmp_path, name):
    (tmp_path / "secret").write_text("")
    assert findings(with_file(name, "secret"), tmp_path) == []


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("shape", ["{} x", "xapp-{}", "{}\n", "{},{},", "change-me{}", "mysql://{}", "sqlite://{} "])
def test_no_secret_stands_in_any_finding(tmp_path, name, shape):
    value = shape.format(CANARY, CANARY)
    (tmp_path / "secret").write_text(value + "\n")
    for env in (GOOD | {name: value}, with_file(name, "secret"), with_file(name, value), with_file(name, "\0" + value)):
        _, found = check_settings(env, need=NEEDS["serve"], cwd=tmp_path)
        assert CANARY not in str([finding.to_dict() for finding in found])
