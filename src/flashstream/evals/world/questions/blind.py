"""What can be got right without watching: the best answers from a question's own words."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from flashstream.evals.world.questions.answers import Age, Span, Things
from flashstream.evals.world.questions.phrases import say_span
from flashstream.evals.world.questions.question import Question


@dataclass(frozen=True, slots=True)
class Blind:
    """right: how many of `asked` the best constant answer gets right; chance: how many are
    expected by the questions themselves (mean of their `chance`)."""

    answer: str
    right: int
    asked: int
    chance: float

    @property
    def share(self) -> float:
        return self.right / self.asked


def best_constant(questions: Sequence[Question]) -> Blind:
    """The one answer, of all the true ones, that is right for the most of these questions.

    It is chosen with the answers known, so it is at least as good as any blind guesser that always
    says the same.
    """
    score: Counter[str] = Counter()
    for said in dict.fromkeys(_guess(question) for question in questions):
        score[said] = sum(question.right(said) for question in questions)
    (answer, right), *_ = score.most_common(1)
    chance = sum(question.answer.chance for question in questions) / len(questions)
    return Blind(answer, right, len(questions), chance)


def by_template(questions: Iterable[Question]) -> dict[tuple[str, str], Blind]:
    """The best constant of each kind and template."""
    return {key: best_constant(each) for key, each in _grouped(questions, _kind).items()}


def by_echo(questions: Iterable[Question]) -> dict[tuple[str, str], Blind]:
    """A guesser that says the question again: of things to choose from or to put in order, the
    first, or the order in which they are named."""
    out = {}
    for key, each in _grouped(questions, _kind).items():
        right = sum(question.right(question.text) for question in each)
        chance = sum(question.answer.chance for question in each) / len(each)
        out[key] = Blind("the question", right, len(each), chance)
    return out


def by_word(known: Iterable[Question], asked: Iterable[Question]) -> dict[tuple[str, str], Blind]:
    """A guesser that knows how often each answer followed each word of the questions `known`.

    It answers `asked` with the key most likely by naive Bayes within the kind and template; of
    answers that are times, only constants are guessed (see `best_constant`).
    """
    learnt = _grouped(known, _kind)
    out = {}
    for key, each in _grouped(asked, _kind).items():
        if key not in learnt or isinstance(each[0].answer, Age | Span | Things):
            continue
        guess = _bayes(learnt[key])
        right = sum(guess(question.text) == question.answer.key for question in each)
        chance = sum(question.answer.chance for question in each) / len(each)
        out[key] = Blind("by word", right, len(each), chance)
    return out


def _bayes(questions: Sequence[Question]) -> Callable[[str], str]:
    answers = Counter(question.answer.key for question in questions)
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for question in questions:
        words[question.answer.key].update(set(question.text.lower().split()))

    def guess(text: str) -> str:
        def likely(key: str) -> float:
            share = answers[key] / len(questions)
            for word in set(text.lower().split()):
                share *= (words[key][word] + 1) / (answers[key] + 2)
            return share

        return max(sorted(answers), key=likely)

    return guess


def _guess(question: Question) -> str:
    answer = question.answer
    # A clock time would be right of one world alone; "7 minutes ago" may be of many.
    return f"{say_span(answer.seconds)} ago" if isinstance(answer, Age) else answer.text


def _kind(question: Question) -> tuple[str, str]:
    return question.kind, question.template


def _grouped(
    questions: Iterable[Question], key: Callable[[Question], tuple[str, str]]
) -> dict[tuple[str, str], list[Question]]:
    out: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        out[key(question)].append(question)
    return dict(out)
