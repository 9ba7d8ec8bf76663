import pytest

from flashstream.evals.published.letters import letter_of

OPTIONS = ("a red car", "a car", "two dogs", "Nothing.")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (C) two dogs", "C"),
        ("**D**", "D"),
        ("C. two dogs", "C"),
        ("B, because there is a car", "B"),
        ("The answer is C.", "C"),
        ("The correct answer is option (b).", "B"),
        ("Answer: D", "D"),
        ("Best option: A", "A"),
        ("I think it is (C), the dogs", "C"),
        ("There are two dogs.", "C"),
        ("It shows a red car", "A"),
        ("It shows a car", "B"),
        ("nothing", "D"),
        ("B is right", "B"),
        ("A is right", "A"),
        ("It must be C", "C"),
        ("A man with a hat", None),
        ("The answer is a dog", None),
        ("A and B", None),
        ("(A) or (B)", None),
        ("A, B", None),
        ("E", None),
        ("I cannot say", None),
        ("", None),
    ],
)
def test_the_option_that_an_answer_means(answer: str, letter: str | None) -> None:
    assert letter_of(answer, OPTIONS) == letter
