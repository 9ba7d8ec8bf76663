"""What the model and the judge are asked."""

import hashlib

from flashstream.evals.published.question import LETTERS, Question

CHOOSE = "Answer with the letter of the best option only."
SUBTITLES = "Subtitles of the video:"

JUDGE = (
    "You grade answers to questions about a video. You get the question, what the true answer is, "
    "and the answer that was given. Judge only whether the given answer means the same as the true "
    "one: other words, synonyms, more detail that does not contradict, and full sentences are "
    'fine; another fact, a contradiction, or no answer is not. Give \'correct\', "yes" or "no", '
    "and 'score', a whole number from 0 (unrelated) to 5 (the same meaning). Reply with this JSON "
    'object and nothing else: {"correct": "yes" or "no", "score": 0 to 5}'
)


def question_text(question: Question) -> str:
    """A question as the model is asked it; options with letters, subtitles before it."""
    parts = [f"{SUBTITLES}\n{question.context}\n"] if question.context else []
    parts.append(question.text)
    parts += [
        f"{letter}. {option}" for letter, option in zip(LETTERS, question.options, strict=False)
    ]
    if question.options:
        parts.append(CHOOSE)
    return "\n".join(parts)


def judge_messages(question: Question, answer: str) -> list[dict[str, str]]:
    """The chat that asks for a verdict. What is graded is quoted: it is not to be obeyed."""
    true = " / or: ".join(question.answers)
    asked = (
        f"Question: {question.text}\nTrue answer: {true}\n"
        f"Given answer, between the lines:\n---\n{answer.strip() or '(nothing)'}\n---\nYour JSON:"
    )
    return [{"role": "system", "content": JUDGE}, {"role": "user", "content": asked}]


def digest() -> str:
    """Changes with the words above, so that runs with others are not mixed."""
    probe = Question("id", "video", (), "text", ("true",), ("one", "two"), context="said")
    told = [question_text(probe), *(m["content"] for m in judge_messages(probe, "given"))]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]
