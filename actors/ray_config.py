"""What Ray itself is told where we start it; a cluster of one's own wants the same."""

from typing import Any, Final

RAY_CONFIG: Final[dict[str, Any]] = {
    # Ray would have all workers yield to everything else (15), and so leave no room below them: it
    # is the language model that shall yield to the watching.
    "worker_niceness": 0,
    # A frame (192 KiB) and its features (160 KiB) go with their call. Beyond this size, 100 KiB by
    # default, each is put into the object store and fetched from there: three times the CPU time.
    "max_direct_call_object_size": 512 << 10,
    # Ray would note each call, a camera's every frame among them, and keep the last 100,000 notes:
    # hundreds of megabytes that fill up over hours, for a dashboard that we do not start.
    "task_events_report_interval_ms": 0,
}
