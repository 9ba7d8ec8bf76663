"""A question about a world, with its moment, its right answer and its horizon."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flashstream.evals.world.questions.answers import Answer


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a world at a moment, and the truth of what was seen until then.

    template: which of its kind's forms it has; forms are balanced each by itself. moment_s: since
    the world's start; only frames up to and including this moment may be seen. horizon_s: seconds
    from the event that it is about to the moment; of a "no", that of the "yes" it is paired with.
    """

    id: str
    kind: str
    template: str
    text: str
    moment_s: float
    asked_at: datetime
    answer: Answer
    horizon_s: float

    def right(self, said: str) -> bool:
        """Whether a text is a right answer."""
        return self.answer.accepts(said, self.asked_at)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "kind": self.kind,
            "template": self.template,
            "moment_s": self.moment_s,
            "asked_at": self.asked_at.isoformat(),
            "question": self.text,
            "answer": self.answer.text,
            "key": self.answer.key,
            "chance": round(self.answer.chance, 3),
            "horizon_s": round(self.horizon_s, 3),
        }
