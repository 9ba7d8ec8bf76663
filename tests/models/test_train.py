import numpy as np
import pytest

from flashstream.evals.questions import photograph_pages
from flashstream.memory_store.snapshot import Part
from flashstream.models.demo.card import card
from flashstream.models.demo.course import Course
from flashstream.models.demo.encoder import encoder_weights
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.labels import Labels
from flashstream.models.demo.scenes import Features
from flashstream.models.demo.train import Plan
from flashstream.models.family import ModelFamily


@pytest.fixture(scope="module")
def classifier() -> tuple[Features, Features]:
    weights = encoder_weights()
    return weights["_fc.weight"].numpy(), weights["_fc.bias"].numpy()


def test_the_rate_warms_up_and_sinks() -> None:
    plan = Plan(steps=200, rate=1.0, warmup=10)
    rates = [plan.rate_at(step) for step in range(plan.steps)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.06


def test_a_page_depends_on_its_number_alone(
    labels: Labels, classifier: tuple[Features, Features]
) -> None:
    backgrounds = np.random.default_rng(0).uniform(0, 1, (3, 4, 1280)).astype(np.float32)

    def course() -> Course:
        return Course(labels, DemoFamily.memory, backgrounds, *classifier, 5)

    again = course()
    again.page(2, short=True)
    one, two = course().page(7, short=False), again.page(7, short=False)
    assert one.lessons == two.lessons
    assert one.stories[0].snapshot.uuid == two.stories[0].snapshot.uuid
    assert course().page(8, short=False).lessons != one.lessons


def test_pages_of_photographs_hold_what_the_encoder_sees(
    family: ModelFamily, labels: Labels, classifier: tuple[Features, Features]
) -> None:
    weight, bias = classifier
    for page in photograph_pages(family, labels, classifier, "demo", 2, seed=1):
        (story,) = page.stories
        snapshot = story.snapshot
        newest = snapshot.features[snapshot.parts == Part.SPATIAL].astype(np.float32).mean(0)
        assert int(np.argmax(weight @ newest + bias)) == story.scenes[-1].label
        assert len(page.lessons[0]) == 16


def test_the_card_shows_each_figure() -> None:
    text = card(
        {"synthetic": {"now": (9, 10)}, "photographs": {"order": (3, 4)}},
        rank=16,
        seed=1,
        steps=700,
        seconds=1800,
        threads=2,
    )
    assert "| question | synthetic | photographs |" in text
    assert "| what is there now | 0.90 (9 of 10) | – |" in text
    assert "| which of two came first or last | – | 0.75 (3 of 4) |" in text
