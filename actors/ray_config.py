"""What Ray itself is told where we start it; a cluster of one's own wants the same."""

import os
from typing import Any, Final

RAY_CONFIG: Final[dict[str, Any]] = {
    # Ray would have all workers yield to everything else (15), and so leave no room below them: it
    # is the language model that shall yield to the watching (and that to calls: `priority.py`).
    "worker_niceness": 0,
    # What a call takes and gives goes with it up to this size (100 KiB by default); beyond, it is
    # put into the object store and fetched from there. A frame and its features (0.2 MB) cost more
    # than twice the CPU time that way. A snapshot (3 MB) costs less that way, but in time each
    # stream's process would have touched the whole store, and open questions could fill it.
    "max_direct_call_object_size": 8 << 20,
    # Ray would note each call, a camera's every frame among them, and keep the last 100,000 notes:
    # some megabytes a minute until then, for a dashboard that we do not start.
    "task_events_report_interval_ms": 0,
    # Connections between processes that nothing has used for so long are closed, and opened again
    # when they are needed: with minutes, those that are seldom used come and go all the time. Those
    # to a process that has ended close with it.
    "grpc_client_idle_timeout_ms": 6 * 3600 * 1000,
}

_ENVIRONMENT: Final = {
    # By default glibc gives threads heaps of their own, up to eight a core. A process that watches
    # has some forty threads; what one of them frees, the others do not take, and it grows by a
    # quarter within minutes. With one heap it does not.
    "MALLOC_ARENA_MAX": "1",
    # Ray has its raylet and GCS use jemalloc, with which they grow at each report of metrics, of
    # which there are six a minute: in 230 the one from 12 to 18 MB, the other from 28 to 33. With
    # glibc's one heap they had 7 and 19 MB and hardly grew. Empty: what the system has.
    "RAY_JEMALLOC_LIB_PATH": "",
    # Serve's controller would look after its two replicas ten times a second, and ask Ray's GCS for
    # all nodes each time: together 6 % of a core of the slowest machine tried, 3 % at this pace.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    # Ray's gRPC begins a thread more when calls fall due that no thread waits for, as after each
    # pause of the machine, and keeps it for ever. This pool of its ends threads that are idle. Its
    # clients' sockets then use that pool, too: in their own of old, closing several connections at
    # once began up to twice as many threads as there are cores, for ever.
    "GRPC_EXPERIMENTS": "work_stealing,event_engine_client",
    # That pool begins with as many threads as there are cores, two at least: with two, a third
    # came now and then, in one process or another, and was given enough to do to stay. The old
    # one's bound is twice that number: the GCS, which all call, comes to it (`loadtests/gcs_rush`).
    "RAY_num_grpc_internal_threads": "4",
}


def set_environment() -> None:
    """Have all processes of a Ray that is started from here begin with this environment; what is
    set already stands."""
    # Python's gRPC, which Serve needs, looks at the environment now: it has other experiments than
    # Ray's own, and would report on this terminal those that it does not know.
    import grpc  # noqa: F401

    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
