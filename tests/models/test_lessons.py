import numpy as np
import pytest

from flashstream.memory_store.snapshot import Part
from flashstream.models.demo import clock
from flashstream.models.demo.encoder import encoder_weights
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.labels import Labels, mentions
from flashstream.models.demo.lessons import Teacher
from flashstream.models.demo.scenes import Features, Painter, Story, Storyteller, tell


@pytest.fixture(scope="module")
def classifier() -> tuple[Features, Features]:
    weights = encoder_weights()
    return weights["_fc.weight"].numpy(), weights["_fc.bias"].numpy()


@pytest.fixture
def painter(classifier: tuple[Features, Features]) -> Painter:
    rng = np.random.default_rng(3)
    backgrounds = np.maximum(rng.normal(0.2, 0.5, (6, 16, 1280)), 0).astype(np.float32)
    return Painter(backgrounds, *classifier, rng)


@pytest.fixture
def teacher(labels: Labels, painter: Painter) -> Teacher:
    return Teacher(labels, painter, np.random.default_rng(4))


@pytest.fixture
def story(painter: Painter) -> Story:
    """An espresso, a drum, a beagle: ten seconds each."""
    shown = [(label, [painter.sight(label, 0.9)] * 10) for label in (967, 541, 162)]
    times = (1.79e9 + np.arange(30)).tolist()
    return tell(DemoFamily.memory, None, shown, times)


@pytest.mark.parametrize("probability", [0.15, 0.5, 0.95])
def test_a_sight_is_classified_as_wanted(
    painter: Painter, classifier: tuple[Features, Features], probability: float
) -> None:
    weight, bias = classifier
    for label in (0, 285, 967):
        logits = weight @ painter.sight(label, probability).mean(0) + bias
        share = np.exp(logits - logits.max())
        assert int(logits.argmax()) == label
        assert share.max() / share.sum() > probability - 0.02


def test_a_made_up_memory_is_a_real_one_and_remembers_its_scenes(
    painter: Painter, labels: Labels, classifier: tuple[Features, Features]
) -> None:
    teller = Storyteller(painter, DemoFamily.memory, None, 1000, np.random.default_rng(0))
    weight, bias = classifier
    made = teller.story(80)
    snapshot = made.snapshot
    assert snapshot.frames_seen == 80
    assert len(snapshot.slots.ids) == 60
    newest = snapshot.features[snapshot.parts == Part.SPATIAL].astype(np.float32).mean(0)
    assert int((weight @ newest + bias).argmax()) == made.scenes[-1].label
    assert made.label_at(snapshot.as_of) == made.scenes[-1].label
    assert made.label_at(made.scenes[0].start_s) == made.scenes[0].label


def test_answers_about_now_and_then_are_true(teacher: Teacher, story: Story) -> None:
    now = teacher.ask("now", story)
    assert now is not None
    assert now.answer == "A beagle."
    truth = {"An espresso.", "A drum.", "A beagle.", "Nothing had been seen yet."}
    for _ in range(30):
        lesson = teacher.ask("at", story)
        if lesson is not None:
            assert lesson.answer in truth
            assert "(" in lesson.question


def test_answers_about_order_are_true(teacher: Teacher, story: Story) -> None:
    words = {"espresso": 0, "drum": 1, "beagle": 2, "dog": 2, "coffee": 0}
    seen = 0
    for _ in range(60):
        lesson = teacher.ask("order", story)
        assert lesson is not None
        named = [words[w] for w in words if mentions(lesson.question, w)]
        if " first" not in lesson.question or len(named) != 2 or "Did" in lesson.question:
            continue
        seen += 1
        answer = [words[w] for w in words if mentions(lesson.answer, w)]
        assert answer == [min(named)]
    assert seen > 10


def test_what_was_not_there_is_denied(teacher: Teacher, story: Story) -> None:
    for _ in range(60):
        yes, no = teacher.ask("seen", story), teacher.ask("unseen", story)
        assert yes is not None
        assert yes.answer.startswith("Yes, ")
        if no is not None:
            assert no.answer.startswith("No, ")
            for word in ("espresso", "drum", "dog", "beagle"):
                assert not mentions(no.question, word)


def test_the_question_is_annotated_as_the_prompt_does_it(teacher: Teacher, story: Story) -> None:
    snapshot = story.snapshot
    for _ in range(20):
        lesson = teacher.ask("at", story)
        if lesson is not None:
            plain = lesson.question[: lesson.question.index(" (")]
            rest = lesson.question[lesson.question.index(")") + 1 :]
            again = clock.annotate(plain + rest, snapshot.slots, snapshot.as_of)
            assert again == lesson.question
