"""What the engine gives back; free of torch and vLLM."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """What one or more steps of the engine added to an answer.

    text: new text, maybe empty (a character can take several tokens); tokens: new tokens.
    prompt_tokens: text and memory together; cached_tokens: those of them that were not computed
    again. finish_reason: "stop" (the model ended) or "length", once finished.
    """

    text: str
    tokens: int
    prompt_tokens: int
    cached_tokens: int
    finished: bool
    finish_reason: str | None
