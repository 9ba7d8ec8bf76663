"""What crosses between the gateway and the answerer; no torch, no vLLM."""

from dataclasses import dataclass

from flashstream.memory_store.snapshot import MemorySnapshot


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """A question about one snapshot.

    max_tokens: the answer's longest length. deadline_s: seconds from the answerer's taking it.
    """

    question: str
    snapshot: MemorySnapshot
    max_tokens: int
    deadline_s: float


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The whole answer, after its last piece.

    text: all pieces joined. finish_reason: "stop" (the model ended) or "length".
    prompt_tokens: text and memory; cached_tokens: those of them reused from an earlier question.
    ttft_s, total_s: seconds until the first token and the last, from the answerer's taking it.
    slots: (slot id, relevance in [0, 1]) of the snapshot's temporal slots, most relevant first.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    ttft_s: float
    total_s: float
    slots: tuple[tuple[int, float], ...]
