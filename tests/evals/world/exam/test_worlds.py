from collections import Counter
from itertools import pairwise

import pytest

from flashstream.errors import SettingError
from flashstream.evals.world.exam.worlds import LENGTHS, Length, paper
from flashstream.evals.world.questions.sampler import KINDS
from flashstream.evals.world.questions.scene import HORIZONS
from flashstream.evals.world.splits import Split


@pytest.mark.parametrize("split", ["test", "dev"])
def test_every_kind_and_horizon_has_questions_enough(split: Split) -> None:
    exam = paper(split)
    assert 350 <= len(exam.questions) <= 450
    kinds = Counter(asked.question.kind for asked in exam.questions)
    horizons = Counter(asked.horizon for asked in exam.questions)
    assert min(kinds[kind] for kind in KINDS) >= 25
    assert min(horizons[horizon] for horizon in HORIZONS) >= 55
    for asked in exam.questions:
        assert (asked.horizon == "") == (asked.question.kind == "now")


def test_an_exam_is_made_again_from_its_seed() -> None:
    lengths = (Length(120.0, 1.0, (1, 2), {"10s": 1}, now=1),)
    one, other, third = (paper("dev", seed, lengths=lengths) for seed in (1, 1, 2))
    texts = [
        [(asked.question.id, asked.question.text, asked.world) for asked in each.questions]
        for each in (one, other, third)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert len(one.worlds) == 2
    more = paper("dev", 1, of_each=3, lengths=lengths)
    assert len(more.questions) > len(one.questions)


def test_moments_are_those_of_frames_in_order() -> None:
    exam = paper("dev", lengths=(Length(600.0, 0.2, (3,), {"1min": 1}, now=8),))
    moments = exam.moments(0)
    assert all(a < b for a, b in pairwise(moments))
    assert set(moments) == {asked.question.moment_s for asked in exam.questions}
    assert all(moment in {exam.worlds[0].time_of(n) for n in range(120)} for moment in moments)


def test_all_of_it_is_small_enough_for_twenty_minutes() -> None:
    frames = sum(int(each.length_s * each.fps) * len(each.seeds) for each in LENGTHS)
    assert frames <= 25_000


@pytest.mark.parametrize(("seed", "of_each"), [(-1, None), (0, 0)])
def test_numbers_that_make_no_exam_are_refused(seed: int, of_each: int | None) -> None:
    with pytest.raises(SettingError):
        paper("dev", seed, of_each=of_each)
