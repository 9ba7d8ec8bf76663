"""Which stream is moved to another node next."""

from collections.abc import Collection, Mapping

from flashstream.actors.crew import Node
from flashstream.actors.placement import least_loaded

_MOVE_S = 60.0
_SHARE = 0.1


class Moves:
    """One stream at a time: off drained nodes at once, and from the fullest node to the emptiest
    once they have been uneven for so long that it is not just a restart.

    Nodes are uneven if two streams or more, and more than a tenth of the fullest node's, lie
    between them. Not thread-safe.
    """

    def __init__(self, uneven_s: float) -> None:
        """uneven_s: 0 leaves uneven nodes as they are."""
        self._patience_s = uneven_s
        self._uneven_since_s: float | None = None
        self._under_way: tuple[str, str, float] | None = None  # stream, what it leaves, until when

    def next(
        self,
        now_s: float,
        nodes: Collection[Node],
        drained: Collection[str],
        streams: Mapping[str, int],
        homes: Mapping[str, str],
    ) -> tuple[str, str] | None:
        """A stream and the node it shall go to.

        streams: how many each node has. homes: where those are that can be moved; one that is not
        among them is waited for, for a minute at most, if it was the last to be moved.
        """
        if self._under_way is not None:
            stream, left, until_s = self._under_way
            if now_s <= until_s and homes.get(stream, left) == left:
                return None
            self._under_way = None
        move = self._off_drained(nodes, drained, streams, homes) or self._off_fullest(
            now_s, [node.id for node in nodes if node.id not in drained], streams, homes
        )
        if move is not None:
            self._under_way = (move[0], homes[move[0]], now_s + _MOVE_S)
        return move

    def _off_drained(
        self,
        nodes: Collection[Node],
        drained: Collection[str],
        streams: Mapping[str, int],
        homes: Mapping[str, str],
    ) -> tuple[str, str] | None:
        stream = next((stream for stream, home in homes.items() if home in drained), None)
        node = least_loaded(nodes, drained, streams)
        return None if stream is None or node is None or node in drained else (stream, node)

    def _off_fullest(
        self,
        now_s: float,
        usable: list[str],
        streams: Mapping[str, int],
        homes: Mapping[str, str],
    ) -> tuple[str, str] | None:
        counts = {node: streams.get(node, 0) for node in usable}
        fullest = max(usable, key=lambda node: counts[node], default="")
        emptiest = min(usable, key=lambda node: counts[node], default="")
        between = counts.get(fullest, 0) - counts.get(emptiest, 0)
        if not self._patience_s or between < 2 or between <= _SHARE * counts[fullest]:
            self._uneven_since_s = None
            return None
        if self._uneven_since_s is None:
            self._uneven_since_s = now_s
        if now_s - self._uneven_since_s < self._patience_s:
            return None
        stream = next((stream for stream, home in homes.items() if home == fullest), None)
        return None if stream is None else (stream, emptiest)
