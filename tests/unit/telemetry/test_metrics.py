"""Every series of the gateway: what a call adds, what a scrape shows, what leaves with the configuration."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, StateView, Target
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, Credential, Model, Provider, Snapshot
from proxy.core.usage import Usage
from proxy.telemetry.metrics import Metrics, model_label

NOW_S = 1000.0


def make_snapshot(*providers: str) -> Snapshot:
    rows = {name: Provider(name, "openai", "https://x.test") for name in providers}
    model = Model("demo", tuple(Candidate(row, "up") for row in rows.values()))
    return Snapshot(providers=rows, models={"demo": model})


def scrape(metrics: Metrics) -> dict[str, float]:
    """Return every sample as `name{label=value,...}`."""
    body = metrics.scrape()()
    samples = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}"] = sample.value
    return samples


def test_request_counts_its_status_duration_and_overhead() -> None:
    metrics = Metrics()
    metrics.request("chat_completions", "demo", True, 200, 0.7, 0.0001)
    samples = scrape(metrics)
    assert samples["fairlead_requests_total{endpoint=chat_completions,model=demo,status=200}"] == 1
    duration = "fairlead_request_duration_seconds_bucket{endpoint=chat_completions,le=%s,model=demo,stream=true}"
    assert (samples[duration % "0.5"], samples[duration % "1.0"], samples[duration % "+Inf"]) == (0, 1, 1)
    assert samples["fairlead_request_duration_seconds_sum{endpoint=chat_completions,model=demo,stream=true}"] == 0.7
    assert samples["fairlead_overhead_seconds_bucket{le=5e-05}"] == 0
    assert samples["fairlead_overhead_seconds_bucket{le=0.0001}"] == 1
    assert samples["fairlead_overhead_seconds_count{}"] == 1


def test_value_on_a_bound_falls_into_its_bucket_and_a_huge_one_into_the_last() -> None:
    metrics = Metrics()
    metrics.request("chat_completions", "demo", False, 200, 600.0, 0.0)
    metrics.request("chat_completions", "demo", False, 200, 601.0, 0.0)
    samples = scrape(metrics)
    bucket = "fairlead_request_duration_seconds_bucket{endpoint=chat_completions,le=%s,model=demo,stream=false}"
    assert (samples[bucket % "600.0"], samples[bucket % "+Inf"]) == (1, 2)


def test_tokens_are_counted_by_type_and_absent_classes_make_no_series() -> None:
    metrics = Metrics()
    metrics.used("a", "demo", Usage(10, 20, cached_tokens=4, reasoning_tokens=5), 1)
    metrics.used("b", "demo", Usage(1, 2), None)
    samples = scrape(metrics)
    counted = {name: value for name, value in samples.items() if name.startswith("fairlead_tokens_total")}
    assert counted == {
        "fairlead_tokens_total{model=demo,provider=a,type=prompt}": 10,
        "fairlead_tokens_total{model=demo,provider=a,type=completion}": 20,
        "fairlead_tokens_total{model=demo,provider=a,type=cached}": 4,
        "fairlead_tokens_total{model=demo,provider=a,type=reasoning}": 5,
        "fairlead_tokens_total{model=demo,provider=b,type=prompt}": 1,
        "fairlead_tokens_total{model=demo,provider=b,type=completion}": 2,
    }


def test_small_counters_and_gauges_show_what_they_were_told() -> None:
    metrics = Metrics()
    metrics.answered("a", "demo", 0.3)
    metrics.used("a", "demo", Usage(1), 2_500_000_000)
    metrics.used("a", "demo", Usage(1), None)
    metrics.failed("a", "demo", "rate_limited")
    metrics.failover("a", "b", "rate_limited")
    metrics.truncated("a")
    metrics.broken_event("a")
    metrics.stale_retry("a")
    metrics.rate_limit_remaining("a", "requests", 41.0)
    metrics.attention("a", FailureKind.AUTH, True)
    metrics.config_version(7)
    metrics.config_reload_failed(True)
    samples = scrape(metrics)
    assert samples["fairlead_time_to_first_token_seconds_sum{model=demo,provider=a}"] == 0.3
    assert samples["fairlead_attempts_total{model=demo,outcome=ok,provider=a}"] == 1
    assert samples["fairlead_cost_usd_total{model=demo,provider=a}"] == 2.5
    assert samples["fairlead_unpriced_requests_total{model=demo,provider=a}"] == 1
    assert samples["fairlead_attempts_total{model=demo,outcome=rate_limited,provider=a}"] == 1
    assert samples["fairlead_failovers_total{from_provider=a,reason=rate_limited,to_provider=b}"] == 1
    assert samples["fairlead_streams_truncated_total{provider=a}"] == 1
    assert samples["fairlead_broken_events_total{provider=a}"] == 1
    assert samples["fairlead_stale_retries_total{provider=a}"] == 1
    assert samples["fairlead_upstream_ratelimit_remaining{kind=requests,provider=a}"] == 41
    assert samples["fairlead_provider_attention{provider=a,reason=auth}"] == 1
    assert samples["fairlead_config_version{}"] == 7
    assert samples["fairlead_config_reload_failed{}"] == 1


def test_build_is_named() -> None:
    assert [name for name in scrape(Metrics()) if name.startswith("fairlead_build_info{python=3.")]


def test_each_gateway_has_series_of_its_own() -> None:
    busy, idle = Metrics(), Metrics()
    busy.truncated("a")
    assert "fairlead_streams_truncated_total{provider=a}" not in scrape(idle)


def test_series_of_a_provider_that_left_the_configuration_vanish_at_the_next_scrape() -> None:
    snapshot = make_snapshot("a", "b")
    metrics = Metrics(lambda: (snapshot, StateView(), NOW_S))
    for provider in ("a", "b"):
        metrics.failed(provider, "demo", "connect")
        metrics.rate_limit_remaining(provider, "requests", 1.0)
    metrics.failover("a", "b", "connect")
    snapshot = make_snapshot("a")
    samples = scrape(metrics)
    assert "fairlead_attempts_total{model=demo,outcome=connect,provider=a}" in samples
    assert not [name for name in samples if "provider=b" in name]


@pytest.mark.parametrize("gone", [pytest.param("gone", id="gone"), pytest.param("up", id="an-upstream-name-still")])
def test_series_of_a_model_that_left_vanish(gone: str) -> None:
    snapshot = make_snapshot("a")
    metrics = Metrics()
    metrics.failed("a", gone, "connect")
    metrics.failed("a", "demo", "connect")
    metrics.forget(snapshot)
    kept = scrape(metrics)
    assert f"fairlead_attempts_total{{model={gone},outcome=connect,provider=a}}" not in kept
    assert kept["fairlead_attempts_total{model=demo,outcome=connect,provider=a}"] == 1


def test_labels_for_ad_hoc_and_unknown_models_survive_forgetting() -> None:
    metrics = Metrics()
    metrics.failed("other", "other", "connect")
    metrics.request("chat_completions", "unknown", False, 404, 0.01, 0.01)
    metrics.forget(make_snapshot())
    samples = scrape(metrics)
    assert "fairlead_attempts_total{model=other,outcome=connect,provider=other}" in samples
    assert "fairlead_requests_total{endpoint=chat_completions,model=unknown,status=404}" in samples


@pytest.mark.parametrize(
    ("model", "label"),
    [
        pytest.param(None, "unknown", id="resolves-to-nothing"),
        pytest.param(Model("a/whatever", (), configured=False), "other", id="ad-hoc"),
        pytest.param(Model("demo", ()), "demo", id="configured"),
    ],
)
def test_model_label_is_a_configured_name_only(model: Model | None, label: str) -> None:
    assert model_label(model) == label


def test_what_is_written_is_what_was_so_at_the_scrape() -> None:
    metrics = Metrics()
    metrics.request("chat_completions", "demo", False, 200, 0.7, 0.0001)
    write = metrics.scrape()
    before = write()
    metrics.request("chat_completions", "demo", False, 200, 0.7, 0.0001)
    metrics.scrape()
    assert write() == before


def test_planted_secret_is_in_no_series() -> None:
    secret = Secret("planted-secret-0123456789")
    provider = Provider("a", "openai", "https://x.test", credentials=(Credential("main", secret),))
    snapshot = Snapshot(providers={"a": provider}, models={"demo": Model("demo", (Candidate(provider, "up"),))})
    target = Target(Scope.CREDENTIAL, "a", provider.credentials[0].id)
    view = StateView(asides={target: Aside(FailureKind.AUTH, NOW_S, NOW_S + 30, NOW_S + 30)})
    body = Metrics(lambda: (snapshot, view, NOW_S)).scrape()()
    assert b'fairlead_cooldown_seconds{provider="a",reason="auth",scope="credential"} 30.0' in body
    assert secret.reveal().encode() not in body


def test_what_was_dropped_is_counted_by_names_that_dialects_know() -> None:
    metrics = Metrics()
    metrics.dropped("a", ("seed", "anthropic-beta", "made-up", "also made up"))
    samples = scrape(metrics)
    count = "fairlead_dropped_params_total{param=%s,provider=a}"
    assert [samples[count % name] for name in ("seed", "anthropic-beta", "other")] == [1, 1, 2]
    assert not any("made" in name for name in samples)
