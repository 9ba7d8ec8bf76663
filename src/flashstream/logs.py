"""Structured logs, one JSON object a line on standard error."""

import logging
import sys
from typing import Any, Final

import structlog

SERVE_LOGS: Final[dict[str, Any]] = {"encoding": "JSON"}
"""Of Serve's own processes; the proxy notes every request."""

REPLICA_LOGS: Final[dict[str, Any]] = {**SERVE_LOGS, "enable_access_log": False}
"""Of replicas: each would note the request that the proxy has noted once more, and again on
standard error, a file that grows without bound and that Ray sends to the GCS line by line."""


def configure_logs(level: int = logging.INFO) -> None:
    """Set up structlog for this process; safe to call again."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
