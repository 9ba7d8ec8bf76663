"""How long a store has been behind a memory."""

from collections.abc import Callable


class Behind:
    """Knows since when frames have waited to be stored; `clock` gives seconds that never go back.

    Of all moments it keeps two: of the oldest frame that waits, and of the first one that came
    after the newest version that was made ready to be stored.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since_s: float | None = None
        self._ready = 0
        self._after_ready_s: float | None = None

    def observed(self) -> None:
        """A frame came."""
        now = self._clock()
        if self._since_s is None:
            self._since_s = now
        if self._after_ready_s is None:
            self._after_ready_s = now

    def made_ready(self, version: int) -> None:
        """The newest frame, of that version, is in what is about to be stored."""
        self._ready, self._after_ready_s = version, None

    def stored(self, version: int) -> None:
        """The store has that version. If a later one was made ready meanwhile, the moment of the
        oldest frame that waits stays: it says too long rather than too short."""
        if version >= self._ready:
            self._since_s = self._after_ready_s

    @property
    def seconds(self) -> float:
        """Since the oldest frame that the store does not have was observed; 0 if it has all."""
        return 0.0 if self._since_s is None else self._clock() - self._since_s
