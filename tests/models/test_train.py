from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from flashstream.evals.questions import photograph_pages
from flashstream.memory_store.snapshot import Part
from flashstream.models.demo.bank import Bank
from flashstream.models.demo.card import Run, card
from flashstream.models.demo.course import Course
from flashstream.models.demo.encoder import encoder_weights
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.labels import Labels
from flashstream.models.demo.projector import DemoProjector
from flashstream.models.demo.scenes import Features
from flashstream.models.demo.streams import Wardrobe
from flashstream.models.demo.train import TRAINED_PARTS, Plan, matching
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
    backgrounds = np.random.default_rng(0).uniform(0, 1, (3, 16, 1280)).astype(np.float32)

    wardrobe = Wardrobe(Bank(np.zeros((0, 4, 4, 1280), np.float16), [], []))

    def course() -> Course:
        return Course(labels, DemoFamily.memory, None, backgrounds, *classifier, wardrobe, 5)

    again = course()
    again.sights(2, short=True)
    one, two = course().sights(7, short=False), again.sights(7, short=False)
    assert one.lessons == two.lessons
    assert one.memories[0].uuid == two.memories[0].uuid
    assert course().sights(8, short=False).lessons != one.lessons


def test_pages_of_photographs_hold_what_the_encoder_sees(
    family: ModelFamily, labels: Labels, classifier: tuple[Features, Features]
) -> None:
    weight, bias = classifier
    asked = 0
    for page in photograph_pages(family, labels, classifier, "demo", 3, seed=1):
        (snapshot,) = page.memories
        newest = snapshot.features[snapshot.parts == Part.SPATIAL].astype(np.float32).mean(0)
        label = int(np.argmax(weight @ newest + bias))
        now = [lesson for lesson in page.lessons[0] if lesson.kind == "now"]
        assert all(labels.named(lesson.answer, label) for lesson in now)
        asked += len(now)
        assert len(page.lessons[0]) == 16
    assert asked


def test_sights_come_first_and_then_mostly_worlds() -> None:
    plan = Plan(steps=400, sights_first=0.5, worlds_then=0.75)
    of_world = [plan.of_world(step) for step in range(400)]
    assert not any(of_world[:200])
    assert 0.65 < np.mean(of_world[200:]) < 0.85
    assert of_world == [plan.of_world(step) for step in range(400)]


def test_the_card_shows_each_figure() -> None:
    text = card(
        {"sights": {"now": (9, 10)}, "photographs": {"order": (3, 4)}},
        Run(rank=16, seed=1, steps=700, seconds=1800, threads=2, history="abcd", drawn=(0.7, 0.5)),
    )
    assert "| question | sights | photographs |" in text
    assert "abcd" in text
    assert "0.70" in text
    assert "| what is there now | 0.90 (9 of 10) | – |" in text
    assert "| which of two came first or last | – | 0.75 (3 of 4) |" in text


def test_all_of_the_projector_that_is_not_fixed_is_trained() -> None:
    sizes = {"channels": 8, "labels": 5, "rank": 2, "names": 3, "dimensions": 4}
    parts = DemoProjector(sizes, 16).named_parameters()
    free = {name for name, part in parts if part.requires_grad and not name.startswith("reader.")}
    assert free == set(TRAINED_PARTS)


def test_weights_to_begin_from_have_to_be_of_the_model(tmp_path: Path) -> None:
    like = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    path = tmp_path / "start.safetensors"
    save_file({"a": torch.ones(2, 3), "b": torch.ones(4)}, path)
    assert matching(path, like)["b"].sum() == 4
    for wrong in ({"a": torch.ones(2, 3)}, {"a": torch.ones(3, 2), "b": torch.ones(4)}):
        save_file(wrong, path)
        with pytest.raises(ValueError, match=r"start\.safetensors does not hold"):
            matching(path, like)


def test_a_plan_without_steps_is_the_drill_alone() -> None:
    plan = Plan(steps=0, drill=9)
    assert plan.total == 9
    assert not any(plan.of_world(step) for step in range(9))
    assert plan.rate_at(0) == plan.drill_rate
