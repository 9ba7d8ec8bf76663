"""Metrics: one declaration each, two backends.

Inside Ray actors and replicas only `ray.util.metrics` reaches Ray's metrics port; elsewhere
prometheus-client serves them. No metric is labelled by stream: hundreds of cameras would make
hundreds of series of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One declared metric; `labels` have few values, known beforehand."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS


FRAMES_DECODED = Metric(
    "flashstream_frames_decoded_total", Kind.COUNTER, "Frames sampled from cameras."
)
FRAMES_DROPPED = Metric(
    "flashstream_frames_dropped_total",
    Kind.COUNTER,
    "Frames dropped, oldest first, because a later stage was slower.",
    ("stage",),
)
FRAMES_OBSERVED = Metric(
    "flashstream_frames_observed_total", Kind.COUNTER, "Frames consolidated into memory."
)
ENCODE_SECONDS = Metric(
    "flashstream_encode_seconds", Kind.HISTOGRAM, "From frame handed in to features back."
)
ENCODE_BATCH = Metric(
    "flashstream_encode_batch_frames", Kind.HISTOGRAM, "Frames in one encoder batch.", (), SIZES
)
OBSERVE_SECONDS = Metric(
    "flashstream_observe_seconds", Kind.HISTOGRAM, "Consolidation of one frame into memory."
)
COMMIT_SECONDS = Metric(
    "flashstream_commit_seconds", Kind.HISTOGRAM, "One commit of memory to the store."
)
COMMIT_FAILURES = Metric(
    "flashstream_commit_failures_total", Kind.COUNTER, "Commits that the store did not take."
)
RECONNECTS = Metric(
    "flashstream_source_reconnects_total", Kind.COUNTER, "Cameras opened again after a failure."
)
SNAPSHOT_AGE = Metric(
    "flashstream_snapshot_age_seconds",
    Kind.HISTOGRAM,
    "Age of a memory snapshot when a question takes it.",
    (),
    (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
QUESTIONS = Metric(
    "flashstream_questions_total", Kind.COUNTER, "Questions by how they ended.", ("outcome",)
)
TTFT_SECONDS = Metric(
    "flashstream_ttft_seconds", Kind.HISTOGRAM, "Time to the first token of an answer (TTFT)."
)
ANSWER_SECONDS = Metric(
    "flashstream_answer_seconds", Kind.HISTOGRAM, "Time to the last token of an answer."
)
TOKENS = Metric("flashstream_tokens_total", Kind.COUNTER, "LLM tokens.", ("kind",))
STREAMS = Metric("flashstream_streams", Kind.GAUGE, "Streams by state.", ("state",))
STREAM_RESTARTS = Metric(
    "flashstream_stream_restarts_total",
    Kind.COUNTER,
    "Watchers that were started again, by why.",
    ("reason",),
)


class Telemetry(Protocol):
    """Where measurements go."""

    def add(self, metric: Metric, value: float = 1.0, **labels: str) -> None:
        """Raise a counter."""
        ...

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Set a gauge."""
        ...

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Record one value of a histogram."""
        ...


class NullTelemetry:
    """Measures nothing; for unit tests and tools."""

    def add(self, metric: Metric, value: float = 1.0, **labels: str) -> None: ...

    def set(self, metric: Metric, value: float, **labels: str) -> None: ...

    def observe(self, metric: Metric, value: float, **labels: str) -> None: ...


class RayTelemetry:
    """Ray's metrics port; use inside actors and Serve replicas."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def _of(self, metric: Metric) -> Any:
        if metric.name not in self._made:
            from ray.util import metrics

            if metric.kind is Kind.COUNTER:
                made = metrics.Counter(metric.name, metric.help, tag_keys=metric.labels)
            elif metric.kind is Kind.GAUGE:
                made = metrics.Gauge(metric.name, metric.help, tag_keys=metric.labels)
            else:
                made = metrics.Histogram(
                    metric.name,
                    metric.help,
                    boundaries=list(metric.buckets),
                    tag_keys=metric.labels,
                )
            self._made[metric.name] = made
        return self._made[metric.name]

    def add(self, metric: Metric, value: float = 1.0, **labels: str) -> None:
        if value > 0:
            self._of(metric).inc(value, tags=labels)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        self._of(metric).set(value, tags=labels)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        self._of(metric).observe(value, tags=labels)


class PrometheusTelemetry:
    """prometheus-client's registry; use in processes that Ray does not run."""

    def __init__(self, registry: Any = None) -> None:
        from prometheus_client import CollectorRegistry

        self.registry = registry or CollectorRegistry()
        self._made: dict[str, Any] = {}

    def _of(self, metric: Metric, labels: Mapping[str, str]) -> Any:
        if metric.name not in self._made:
            import prometheus_client as prom

            shared: Any = {"labelnames": metric.labels, "registry": self.registry}
            if metric.kind is Kind.COUNTER:
                made: Any = prom.Counter(metric.name, metric.help, **shared)
            elif metric.kind is Kind.GAUGE:
                made = prom.Gauge(metric.name, metric.help, **shared)
            else:
                made = prom.Histogram(metric.name, metric.help, buckets=metric.buckets, **shared)
            self._made[metric.name] = made
        made = self._made[metric.name]
        return made.labels(**labels) if labels else made

    def add(self, metric: Metric, value: float = 1.0, **labels: str) -> None:
        self._of(metric, labels).inc(value)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        self._of(metric, labels).set(value)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        self._of(metric, labels).observe(value)
