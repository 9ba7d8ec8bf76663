"""A thread that does one thing again and again."""

import threading
from collections.abc import Callable

import structlog


class Rounds:
    """Calls `look` every `period_s` seconds, or at once when woken; no exception ends it."""

    def __init__(self, look: Callable[[], None], period_s: float) -> None:
        self._look = look
        self._period_s = period_s
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Have the next round begin now."""
        self._woken.set()

    def stop(self) -> None:
        """Returns once the last round is over."""
        self._stopping = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                self._look()
            except Exception:
                structlog.get_logger().exception("round_failed")
            self._woken.wait(self._period_s)
