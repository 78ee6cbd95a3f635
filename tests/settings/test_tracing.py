"""When traces are exported: OpenTelemetry's variables say so, and keep no relay from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.settings import NEEDS, check_settings
from relay.settings import tracing as read

ENV = {
    "RELAY_CONFIG_YAML": "default_channel: C0X",
    "KOMMUNICATE_WEBHOOK_TOKEN": "a-token-of-some-length",
    "SLACK_BOT_TOKEN": "xoxb-1",
}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


def told(env: dict[str, str], *, command: str = "serve") -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    settings, findings = check_settings({**ENV, **env}, need=NEEDS[command], cwd=Path("/"))
    assert settings is not None
    return dict(settings.traces), [(one.level, one.code, one.where) for one in findings]


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"OTEL_SERVICE_NAME": "relay"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        ENDPOINT | {"OTEL_SDK_DISABLED": "true"},
        ENDPOINT | {"OTEL_SDK_DISABLED": " True "},
        ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_there_are_none_unless_somebody_asks(env: dict[str, str]) -> None:
    assert told(env) == ({}, [])


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_an_endpoint_asks_for_them_and_its_variables_are_passed_on(name: str) -> None:
    env = {name: "https://collector.test", "OTEL_TRACES_SAMPLER": "always_on", "OTEL_SDK_DISABLED": "false"}
    assert told(env) == (env, [])


@pytest.mark.parametrize(
    ("env", "where"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"),
    ],
)
def test_what_the_relay_does_not_speak_is_a_warning(env: dict[str, str], where: str) -> None:
    assert told(env) == ({}, [("warning", "wrong_value", where)])


def test_the_collectors_key_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("api-key=abc\n")
    traces, findings = told(ENDPOINT | {"OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "headers")})
    assert (traces["OTEL_EXPORTER_OTLP_HEADERS"], findings) == ("api-key=abc", [])


def test_a_missing_extra_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_PARTS", ("opentelemetry.sdk.nowhere",))
    assert told(ENDPOINT) == ({}, [("warning", "tracing_not_installed", "OTEL_EXPORTER_OTLP_ENDPOINT")])


def test_the_settings_do_not_show_the_key() -> None:
    env = {**ENV, **ENDPOINT, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary"}
    settings, _ = check_settings(env, need=NEEDS["worker"], cwd=Path("/"))
    assert "canary" not in repr(settings)


def test_who_neither_takes_in_nor_delivers_has_none() -> None:
    assert told(ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, command="migrate") == ({}, [])
