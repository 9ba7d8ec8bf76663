"""Calls to a stream's watcher, wherever it is."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from flashstream.actors.calls import ActorGoneError
from flashstream.actors.carrier import NotCarriedError
from flashstream.actors.clients import CarrierClient, FleetClient, StreamClient, actor_named

T = TypeVar("T")


class Watchers:
    """Remembers where each stream's watcher was, and asks the fleet when it is there no more: so
    that a question needs the fleet only after a start or a move."""

    def __init__(self, namespace: str, fleet: Callable[[], FleetClient]) -> None:
        self._namespace = namespace
        self._fleet = fleet
        self._at: dict[str, CarrierClient] = {}

    async def call(self, stream: str, what: Callable[[StreamClient], Awaitable[T]]) -> T:
        """What a call to the stream's watcher returns; raises `UnknownStreamError`,
        `ActorGoneError` or `NotCarriedError` if nobody watches it just now, and what the call
        raises."""
        if stream in self._at:
            with suppress(NotCarriedError, ActorGoneError):
                return await what(self._at[stream].stream(stream))
            self._at.pop(stream, None)
        client = await self._find(stream)
        found = await what(client.stream(stream))
        self._at[stream] = client
        return found

    async def _find(self, stream: str) -> CarrierClient:
        name = await self._fleet().where(stream)
        handle: Any = None
        if name is not None:
            handle = await asyncio.to_thread(actor_named, name, self._namespace)
        if handle is None:
            raise NotCarriedError(f"stream '{stream}' is watched nowhere just now", stream=stream)
        return CarrierClient(handle)
