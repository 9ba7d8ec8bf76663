"""Which streams a list shows: filters and pages."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flashstream.actors.spec import StreamState, StreamStatus, is_stream_id
from flashstream.errors import InvalidRequestError

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Filter:
    """All of these at once.

    labels: key=value pairs, all of which a stream has. states: any of them; none for all.
    part: of the id or of the shown address, in any case.
    """

    labels: frozenset[tuple[str, str]] = frozenset()
    states: frozenset[StreamState] = frozenset()
    part: str = ""

    @classmethod
    def of(cls, labels: Iterable[str], states: Iterable[StreamState], part: str) -> "Filter":
        """labels: written KEY=VALUE; `InvalidRequestError` if one is not."""
        pairs = set()
        for label in labels:
            key, equals, value = label.partition("=")
            if not key or not equals:
                raise InvalidRequestError(
                    f"'label': {label[:80]!r} is no label; accepted: KEY=VALUE", label=label[:80]
                )
            pairs.add((key, value))
        return cls(frozenset(pairs), frozenset(states), part.lower())

    def takes(self, status: StreamStatus) -> bool:
        spec = status.spec
        return (
            self.labels <= spec.labels.items()
            and (not self.states or status.state in self.states)
            and (self.part in spec.id.lower() or self.part in spec.shown_url.lower())
        )


def page(
    statuses: Sequence[StreamStatus], wanted: Filter, *, limit: int, cursor: str | None
) -> tuple[list[StreamStatus], str | None]:
    """At most `limit` of those wanted, by id, after the cursor's; and the next page's cursor.

    A stream that comes or goes between two pages moves no other to another page.
    """
    after = "" if cursor is None else _last_of(cursor)
    found = [status for status in statuses if status.spec.id > after and wanted.takes(status)]
    found.sort(key=lambda status: status.spec.id)
    shown = found[:limit]
    return shown, _cursor(shown[-1].spec.id) if len(found) > limit else None


def _cursor(stream: str) -> str:
    return base64.urlsafe_b64encode(stream.encode()).decode().rstrip("=")


def _last_of(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        stream = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        stream = ""
    if not is_stream_id(stream):
        raise InvalidRequestError(
            f"'cursor': {cursor[:80]!r} is none; accepted: a 'next_cursor' that a list gave",
            cursor=cursor[:80],
        )
    return stream
