"""Whether traces are exported. The variables are OpenTelemetry's own, and its SDK reads them by itself."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from relay.settings.variables import Reader

ENDPOINT, TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
PROTOCOL = "http/protobuf"
INSTALL = "Install it: `pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http`; see docs/deploy.md."
_PARTS = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")


def read_traces(reader: Reader) -> Mapping[str, str]:
    """All of OpenTelemetry's variables where traces are to be exported, none where not.

    What keeps them from being exported is a warning: the relay runs without.
    """
    headers = reader.secret(HEADERS)
    reader.refuse_placeholder(HEADERS, [headers or ""])
    variables = {name: value for name, value in reader.env.items() if name.startswith("OTEL_") and value.strip()}
    endpoint = next((name for name in (TRACES_ENDPOINT, ENDPOINT) if name in variables), None)
    if endpoint is None or _is_off(variables):
        return {}
    if not (
        _is_address(reader, endpoint, variables[endpoint])
        and _speaks(reader, variables)
        and _is_installed(reader, endpoint)
    ):
        return {}
    return {**variables, **({HEADERS: headers} if headers else {})}


def _is_off(variables: Mapping[str, str]) -> bool:
    """As the standard has it."""
    return (
        variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or variables.get("OTEL_TRACES_EXPORTER") == "none"
    )


def _is_address(reader: Reader, name: str, value: str) -> bool:
    if value.startswith(("http://", "https://")):
        return True
    hint = "Write where the collector listens, such as http://localhost:4318."
    reader.note("wrong_value", name, f"{name} does not begin with http:// or https://: no traces.", hint, "warning")
    return False


def _speaks(reader: Reader, variables: Mapping[str, str]) -> bool:
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if variables.get(name, PROTOCOL) != PROTOCOL:
            hint = f"Write {PROTOCOL}, and the collector's port for that, usually 4318."
            reader.note(
                "wrong_value", name, f"{name} asks for what the relay does not speak: no traces.", hint, "warning"
            )
            return False
    return True


def _is_installed(reader: Reader, endpoint: str) -> bool:
    try:
        found = all(find_spec(name) for name in _PARTS)
    except ModuleNotFoundError:  # not even what it is a part of
        found = False
    if not found:
        message = f"{endpoint} asks for traces, and OpenTelemetry is not installed: there are none."
        reader.note("tracing_not_installed", endpoint, message, INSTALL, "warning")
    return found
