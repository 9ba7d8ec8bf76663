"""One declaration, two backends."""

import pytest
from prometheus_client import generate_latest

from flashstream import telemetry
from flashstream.telemetry import Kind, Metric, PrometheusTelemetry

ALL = [value for value in vars(telemetry).values() if isinstance(value, Metric)]


def test_prometheus_backend_serves_what_was_measured() -> None:
    measured = PrometheusTelemetry()
    measured.add(telemetry.FRAMES_DROPPED, 2, stage="decode")
    measured.add(telemetry.FRAMES_DROPPED, stage="encode")
    measured.observe(telemetry.TTFT_SECONDS, 0.2)
    measured.set(telemetry.STREAMS, 3, state="live")
    text = generate_latest(measured.registry).decode()
    assert 'flashstream_frames_dropped_total{stage="decode"} 2.0' in text
    assert 'flashstream_frames_dropped_total{stage="encode"} 1.0' in text
    assert 'flashstream_ttft_seconds_bucket{le="0.25"} 1.0' in text
    assert 'flashstream_ttft_seconds_bucket{le="0.1"} 0.0' in text
    assert 'flashstream_streams{state="live"} 3.0' in text


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_a_metric_has_a_prefix_a_unit_and_no_label_of_a_stream(metric: Metric) -> None:
    assert metric.name.startswith("flashstream_")
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert "stream" not in metric.labels
