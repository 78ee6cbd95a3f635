"""Finished traces, as a real collector reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from relay import spans
from relay.otel import OtlpExporter
from relay.otel.exporter import AT_THE_END
from relay.spans import Kind, Span
from tests.harness import PATIENCE
from tests.otel.collector import CLIENT, CONSUMER, SERVER, Collector, collector

Start = Callable[..., OtlpExporter]


@pytest.fixture
def took() -> Iterator[Collector]:
    with collector() as one:
        yield one


@pytest.fixture
def start(took: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start exporters with these variables."""
    started: list[OtlpExporter] = []

    def start(seed: str = "seed", **env: str) -> OtlpExporter:
        for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": took.address, **env}.items():
            monkeypatch.setenv(name, value)
        started.append(OtlpExporter(seed, "worker"))
        return started[-1]

    yield start
    for one in started:
        one.stop(PATIENCE)


def came_in(received: str) -> Span:
    return Span("webhook", Kind.CAME_IN, 1.0, 1.5, about=[received])


def attempt(*received: str) -> Span:
    call = Span("chat.postMessage", Kind.CALL, 2.1, 2.2, {"http_status": 429, "http_method": "POST"}, "ratelimited")
    sent = Span("send post", Kind.PART, 2.0, 2.5, {"outcome": "rate_limited", "ts": None}, parts=[call])
    return Span("attempt", Kind.ATTEMPT, 2.0, 2.6, {"conversation": 7}, parts=[sent], about=list(received))


def test_an_attempt_of_another_process_stands_below_what_came_in(start: Start, took: Collector) -> None:
    """Whichever of the two is exported first."""
    worker, web = start(), start()
    worker.export(attempt("r12"))
    worker.stop(PATIENCE)
    web.export(came_in("r12"))
    web.stop(PATIENCE)
    (root,), (below,), (send,), (call,) = map(took.named, ("webhook", "attempt", "send post", "chat.postMessage"))
    assert (root.parent, below.parent, send.parent, call.parent) == ("", root.id, below.id, send.id)
    assert len({one.trace for one in took.spans}) == 1
    assert (root.kind, below.kind, call.kind) == (SERVER, CONSUMER, CLIENT)
    assert call.facts == {"http.response.status_code": 429, "http.request.method": "POST", "error.type": "ratelimited"}
    assert (send.facts, send.has_failed, call.has_failed) == ({"relay.outcome": "rate_limited"}, False, True)
    assert below.facts == {"relay.conversation": 7, "relay.received": "r12"}


def test_times_are_kept(start: Start, took: Collector) -> None:
    exporter = start()
    exporter.export(attempt("r1"))
    exporter.stop(PATIENCE)
    (whole,), (call,) = took.named("attempt"), took.named("chat.postMessage")
    assert round((whole.ended - whole.begun) / 1e9, 3) == 0.6
    assert round((call.begun - whole.begun) / 1e9, 3) == 0.1


def test_the_same_name_in_another_database_is_another_trace(start: Start, took: Collector) -> None:
    for seed in ("one", "two"):
        exporter = start(seed)
        exporter.export(came_in("r1"))
        exporter.stop(PATIENCE)
    assert len({one.trace for one in took.named("webhook")}) == 2


def test_of_several_that_go_out_together_each_leads_to_the_attempt(start: Start, took: Collector) -> None:
    exporter = start()
    for received in ("r1", "r2", "r3"):
        exporter.export(came_in(received))
    exporter.export(attempt("r1", "r2", "r3"))
    exporter.stop(PATIENCE)
    roots = {one.facts["relay.received"]: one for one in took.named("webhook")}
    whole, *others = sorted(took.named("attempt"), key=lambda one: bool(one.links))
    assert whole.parent == roots["r1"].id
    assert {one.parent for one in others} == {roots["r2"].id, roots["r3"].id}
    assert {one.links for one in others} == {(whole.id,)}
    assert len(took.named("chat.postMessage")) == 1


def test_each_click_of_one_request_has_a_trace(start: Start, took: Collector) -> None:
    exporter = start()
    exporter.export(Span("slack interaction", Kind.CAME_IN, 1.0, 1.5, about=["r1", "r2"]))
    exporter.stop(PATIENCE)
    first, second = took.spans
    assert (first.parent, second.parent) == ("", "")
    assert first.trace != second.trace


@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
def test_of_a_message_that_is_not_sampled_no_process_exports_anything(
    start: Start, took: Collector, sampler: str
) -> None:
    env = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": "0.3"}
    web, worker = start(**env), start(**env)
    for number in range(200):
        web.export(came_in(f"r{number}"))
        worker.export(attempt(f"r{number}"))
    web.stop(PATIENCE)
    worker.stop(PATIENCE)
    begun, sent = ({one.trace for one in took.named(name)} for name in ("webhook", "chat.postMessage"))
    assert begun == sent
    assert 20 < len(begun) < 110


@pytest.mark.parametrize("env", [{"OTEL_TRACES_SAMPLER": "always_off"}, {"OTEL_SDK_DISABLED": "true"}])
def test_it_can_be_switched_off(start: Start, took: Collector, env: dict[str, str]) -> None:
    exporter = start(**env)
    exporter.export(came_in("r1"))
    exporter.export(attempt("r1"))
    exporter.stop(PATIENCE)
    assert took.requests == []


def test_the_standard_variables_say_who_it_is_and_what_the_collector_wants(start: Start, took: Collector) -> None:
    exporter = start(OTEL_SERVICE_NAME="support", OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=staging",
                     OTEL_EXPORTER_OTLP_HEADERS="api-key=abc%20def")  # fmt: skip
    exporter.export(came_in("r1"))
    exporter.stop(PATIENCE)
    ((path, headers, _),) = took.requests
    assert (path, headers["api-key"]) == ("/v1/traces", "abc def")
    of = took.spans[0].of
    assert (of["service.name"], of["deployment.environment.name"]) == ("support", "staging")
    assert of["relay.command"] == "worker"


def test_without_a_name_it_has_its_own(start: Start, took: Collector) -> None:
    exporter = start()
    exporter.export(came_in("r1"))
    exporter.stop(PATIENCE)
    assert took.spans[0].of["service.name"] == "kommunicate-slack-relay"


def test_its_end_waits_for_a_silent_collector_no_longer_than_it_is_told(start: Start, took: Collector) -> None:
    took.answers.clear()
    exporter = start()
    exporter.export(came_in("r1"))
    begun = spans.monotonic()
    exporter.stop(0.2)
    exporter.stop(AT_THE_END)  # as the end of the process does
    assert spans.monotonic() - begun < 5 * 0.2
