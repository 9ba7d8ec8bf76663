"""The streams behind HTTP: added, changed, listed and removed, through the fleet."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flashstream.actors.calls import ActorGoneError
from flashstream.actors.carrier import NotCarriedError
from flashstream.actors.clients import FleetClient, StreamClient
from flashstream.actors.fleet import NodeStatus
from flashstream.actors.spec import (
    StreamSpec,
    StreamState,
    StreamStatus,
    check_labels,
    check_stream_id,
)
from flashstream.config import Settings
from flashstream.deployments import schemas
from flashstream.deployments.listing import Filter, page
from flashstream.deployments.watchers import T, Watchers
from flashstream.errors import InvalidRequestError, NotReadyError, UnsupportedUrlError
from flashstream.video.opening import probe
from flashstream.video.secrets import Secrets
from flashstream.video.url import parse_source

_STATUS_S = 2.0  # a watcher that takes longer is told as it was in the fleet's last round


def when(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


class Streams:
    """The streams of one platform."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        streams = settings.streams
        self._watchers = Watchers(settings.ray.namespace, self.fleet)
        self._secrets = Secrets(streams.secret_dirs, streams.secret_env_prefix)

    async def add(self, new: schemas.NewStream) -> schemas.Stream:
        """Check everything that can be checked, then register and start the stream."""
        limits = self._settings.streams
        check_stream_id(new.id)
        check_labels(new.labels)
        url = self._checked_url(new.url)
        fleet = self.fleet()
        if new.check:
            await self._probe(new.url)
        spec = StreamSpec(
            id=new.id,
            url=url,
            fps=new.fps or limits.fps,
            created_s=time.time(),
            live=new.live,
            loop=new.loop,
            speed=new.speed,
            labels=new.labels,
        )
        return described(await fleet.add(spec))

    def _checked_url(self, url: str) -> str:
        source = parse_source(url)
        schemes = self._settings.streams.schemes
        if source.scheme not in schemes:
            raise UnsupportedUrlError(
                f"addresses with the scheme '{source.scheme}' are switched off here; "
                f"accepted: {', '.join(schemes)}",
                scheme=source.scheme,
            )
        self._secrets.check(source.secrets)
        return url if source.path is None else str(source.path)

    async def _probe(self, url: str) -> None:
        limits = self._settings.streams
        await asyncio.to_thread(
            probe,
            url,
            open_timeout_s=limits.open_timeout_s,
            read_timeout_s=limits.read_timeout_s,
            secrets=self._secrets,
        )

    async def change(self, stream: str, change: schemas.StreamChange) -> schemas.Stream:
        """Give what is set in `change` another value; the memory stays."""
        check_stream_id(stream)
        changes: dict[str, Any] = change.model_dump(
            exclude_unset=True, exclude_none=True, exclude={"check"}
        )
        if not changes:
            raise InvalidRequestError("nothing to change; accepted: 'url', 'fps', 'labels'")
        if change.labels is not None:
            check_labels(change.labels)
        if change.url is not None:
            changes["url"] = self._checked_url(change.url)
            await self.fleet().status(stream)  # an unknown stream is said before a camera is asked
            if change.check:
                await self._probe(change.url)
        return await self._changed(stream, changes)

    async def pause(self, stream: str) -> schemas.Stream:
        """Close the camera; the memory answers as before."""
        return await self._changed(check_stream_id(stream), {"paused": True})

    async def resume(self, stream: str) -> schemas.Stream:
        """Open the camera again."""
        return await self._changed(check_stream_id(stream), {"paused": False})

    async def _changed(self, stream: str, changes: dict[str, Any]) -> schemas.Stream:
        return described(await self._newest(await self.fleet().change(stream, changes)))

    async def remove(self, stream: str) -> None:
        await self.fleet().remove(check_stream_id(stream))

    async def one(self, stream: str) -> schemas.Stream:
        """As it is now, or, if its watcher does not answer, as it was in the last round."""
        check_stream_id(stream)
        return described(await self._newest(await self.fleet().status(stream)))

    async def _newest(self, known: StreamStatus) -> StreamStatus:
        try:
            found = await self._watchers.call(
                known.spec.id, lambda watcher: watcher.status(_STATUS_S)
            )
        except (ActorGoneError, NotCarriedError):
            return _ended(known)
        except NotReadyError:
            return known
        # A watcher that has not heard of a change yet must not seem to undo it.
        return found if found.spec.generation >= known.spec.generation else known

    async def list(self, wanted: Filter, limit: int, cursor: str | None) -> schemas.StreamList:
        """One page, as the fleet found the streams in its last round: no watcher is asked."""
        found, following = page(await self.fleet().statuses(), wanted, limit=limit, cursor=cursor)
        return schemas.StreamList(
            items=[described(status) for status in found], next_cursor=following
        )

    async def call(self, stream: str, what: Callable[[StreamClient], Awaitable[T]]) -> T:
        """What a call to the stream's watcher returns; `NotReadyError` if it is not running,
        `UnknownStreamError` if there is no such stream."""
        check_stream_id(stream)
        try:
            return await self._watchers.call(stream, what)
        except (ActorGoneError, NotCarriedError):
            status = _ended(await self.fleet().status(stream))
            raise NotReadyError(
                f"stream '{stream}' is {status.state.value}: {status.reason}; try again",
                stream=stream,
            ) from None

    def fleet(self) -> FleetClient:
        try:
            return FleetClient.named(self._settings.ray.namespace)
        except ValueError:
            raise NotReadyError("the fleet is not running; see /readyz") from None

    async def nodes(self) -> schemas.FleetNodes:
        return schemas.FleetNodes(items=[_node(node) for node in await self.fleet().nodes()])

    async def drain(self, node: str) -> schemas.FleetNode:
        return _node(await self.fleet().drain(node))

    async def undrain(self, node: str) -> schemas.FleetNode:
        return _node(await self.fleet().undrain(node))


def _ended(known: StreamStatus) -> StreamStatus:
    """What is known of a stream whose watcher is gone: the fleet may not have seen that yet."""
    if known.state in (StreamState.CONNECTING, StreamState.FAILED):
        return known  # the fleet's own words
    why = "its watcher has ended; it is started again"
    return replace(known, state=StreamState.CONNECTING, since_s=time.time(), reason=why)


def _node(found: NodeStatus) -> schemas.FleetNode:
    return schemas.FleetNode(
        id=found.node.id,
        name=found.node.name,
        address=found.node.address,
        streams=found.streams,
        memory_bytes=found.memory_bytes,
        drained=None if found.drained_s is None else when(found.drained_s),
    )


def described(status: StreamStatus) -> schemas.Stream:
    """A stream as HTTP shows it, without credentials."""
    spec = status.spec
    durable_s = status.durable_as_of_s
    return schemas.Stream(
        id=spec.id,
        url=spec.shown_url,
        fps=spec.fps,
        live=spec.live,
        loop=spec.loop,
        speed=spec.speed,
        labels=spec.labels,
        paused=spec.paused,
        generation=spec.generation,
        created=when(spec.created_s),
        state=status.state,
        since=when(status.since_s),
        reason=status.reason,
        frames_seen=status.frames_seen,
        frames_dropped=status.frames_dropped,
        memory_version=status.memory_version,
        durable_version=status.durable_version,
        as_of=None if status.as_of_s is None else when(status.as_of_s),
        durable_as_of=None if durable_s is None else when(durable_s),
        memory_bytes=status.memory_bytes,
        node=status.node,
        pid=status.pid,
    )
