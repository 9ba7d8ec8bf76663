"""A bounded queue between two threads that drops the oldest item instead of blocking."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """When full, `put` drops the oldest item and counts it, or (wait=True) waits for room."""

    def __init__(self, size: int) -> None:
        self._items: deque[T] = deque()
        self._size = size
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0

    def put(self, item: T, *, wait: bool = False) -> int:
        """Add an item; returns how many were dropped for it (0 or 1)."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: len(self._items) < self._size or self._closed)
            dropped = len(self._items) >= self._size
            if dropped:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._changed.notify_all()
            return int(dropped)

    def get(self, timeout_s: float) -> T | None:
        """The oldest item, or None if none came in time or the mailbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            item = self._items.popleft() if self._items else None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
