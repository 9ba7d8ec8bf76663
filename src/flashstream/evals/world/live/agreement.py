"""How far two ways of answering agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flashstream.evals.needle.recall import wilson
from flashstream.evals.world.live.interview import Said, Watched


@dataclass(frozen=True, slots=True)
class Pair:
    """The answer over HTTP, and that of the fast path from the same frames."""

    said: Said
    fast: str

    @property
    def agree(self) -> bool:
        """The same words, whatever their case and the space between them; a refusal agrees with
        nothing."""
        return self.said.error is None and _plain(self.said.answer) == _plain(self.fast)

    @property
    def right_live(self) -> bool:
        return self.said.error is None and self._right(self.said.answer)

    @property
    def right_fast(self) -> bool:
        return self._right(self.fast)

    @property
    def late(self) -> int:
        """Frames between the one that was asked about and the one that was answered from."""
        return self.said.number - self.said.wanted

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        said, question = self.said, self.said.question
        return {
            "id": question.id,
            "kind": question.kind,
            "moment_s": question.moment_s,
            "question": said.text,
            "expected": question.answer.text,
            "live": said.answer,
            "fast": self.fast,
            "agree": self.agree,
            "right_live": self.right_live,
            "right_fast": self.right_fast,
            "frame": said.wanted,
            "answered_from": said.number,
            "version": said.version,
            "age_s": round(said.age_s, 3),
            "total_s": round(said.total_s, 3),
            "error": said.error,
        }

    def _right(self, answer: str) -> bool:
        return self.said.question.answer.accepts(answer, self.said.asked_at)


def agreement(pairs: Sequence[Pair], watched: Watched, digest: str) -> dict[str, Any]:
    """What came out, for JSON; at least one pair.

    digest: of the fast path's memory when its newest frame is `watched.number`.
    """
    agree = [pair.agree for pair in pairs]
    late = [pair.late for pair in pairs if pair.late]
    return {
        "questions": len(pairs),
        "agree": _share(agree),
        "agree_interval": [round(bound, 4) for bound in wilson(sum(agree), len(agree))],
        "agree_in_being_right": _share([pair.right_live == pair.right_fast for pair in pairs]),
        "right_live": _share([pair.right_live for pair in pairs]),
        "right_fast": _share([pair.right_fast for pair in pairs]),
        "same_memory": watched.digest == digest,
        "frames": watched.number + 1,
        "dropped_frames": watched.number + 1 - watched.version,
        "late": {"questions": len(late), "frames_at_most": max(late, default=0)},
        "refused": sum(pair.said.error is not None for pair in pairs),
        "kinds": _kinds(pairs),
        "items": [pair.facts() for pair in pairs],
    }


def _kinds(pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    by_kind: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_kind.setdefault(pair.said.question.kind, []).append(pair)
    return {
        kind: {"questions": len(found), "agree": _share([pair.agree for pair in found])}
        for kind, found in by_kind.items()
    }


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 4)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
