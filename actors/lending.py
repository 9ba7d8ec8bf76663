"""Holds a snapshot's pictures until an answer made from it has chosen its evidence."""

import time
from collections.abc import Callable

from flashstream.memory_store.snapshot import MemorySnapshot


class Lending:
    """JPEGs of snapshots given out, each for `seconds` after it was last given.

    Needed because the memory lets go of pictures with every frame, while an answer takes seconds.
    Bounded by the pictures a stream makes in that time. Not thread-safe.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lent: dict[str, tuple[bytes, float]] = {}  # JPEG, and until when

    def lend(self, snapshot: MemorySnapshot, find: Callable[[str], bytes | None]) -> None:
        """Hold every picture of a snapshot; `find` gives a picture by its id."""
        now = self._clock()
        for picture in [key for key, (_, until) in self._lent.items() if until < now]:
            del self._lent[picture]
        for pictures in snapshot.slots.pictures:
            for picture in pictures:
                jpeg = find(picture)
                if jpeg is not None:
                    self._lent[picture] = (jpeg, now + self._seconds)

    def picture(self, picture: str) -> bytes | None:
        held = self._lent.get(picture)
        return None if held is None else held[0]

    def __len__(self) -> int:
        return len(self._lent)
