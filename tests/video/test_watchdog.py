"""The watchdog of pictures, on real H.264 of still, frozen, looped and lively scenes."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from flashstream.media import locate
from flashstream.video.source import VideoSource
from flashstream.video.watchdog import PictureState, PictureWatchdog

Films = Any  # tests/video/conftest.py
Picture = NDArray[np.uint8]
SIZE = (160, 120)
AFTER_S = 20.0
FPS = 5
# Without a look ahead, as cameras encode.
X264 = {"preset": "veryfast", "tune": "zerolatency", "g": "10"}
CODINGS = [({**X264, "crf": "23"}, None), ({**X264, "crf": "32"}, None)]


@pytest.fixture(scope="module")
def scene() -> Picture:
    with Image.open(locate("espresso")) as file:
        return np.asarray(file.convert("RGB").resize(SIZE))


def _watched(
    films: Films,
    name: str,
    paint: Callable[[int], Picture],
    *,
    seconds: float,
    options: dict[str, str] = CODINGS[0][0],
    bit_rate: int | None = None,
) -> tuple[list[PictureState], PictureWatchdog]:
    """The verdict after each frame, one a second."""
    path = films.make(
        f"watched-{name}.mp4",
        [k / FPS for k in range(round(seconds * FPS))],
        options=options,
        paint=paint,
        bit_rate=bit_rate,
    )
    dog, states = PictureWatchdog(AFTER_S), []
    with VideoSource(str(path), fps=1, clock=lambda: 1_800_000_000.0) as source:
        for frame in source.frames():
            dog.see(frame.rgb, frame.wall_s)
            states.append(dog.state())
    return states, dog


def _noisy(scene: Picture, sigma: float) -> Callable[[int], Picture]:
    noise = np.random.default_rng(0).normal(0, sigma, (37, *scene.shape))

    def paint(number: int) -> Picture:
        # Rolled on, the noise comes back after thousands of pictures only.
        noisy = scene + np.roll(noise[number % 37], 7 * number, 1)
        return np.asarray(noisy.clip(0, 255), np.uint8)

    return paint


@pytest.mark.parametrize(
    ("options", "bit_rate"), [*CODINGS, (X264, 80_000)], ids=["crf23", "crf32", "80k"]
)
def test_a_still_scene_with_a_sensors_noise_is_alive_and_without_it_frozen(
    films: Films, scene: Picture, options: dict[str, str], bit_rate: int | None
) -> None:
    coding: dict[str, Any] = {"options": options, "bit_rate": bit_rate, "seconds": 60.0}
    alive, dog = _watched(films, "alive", _noisy(scene, 2.0), **coding)
    assert set(alive) == {PictureState.OK}
    assert (dog.stale, dog.reason) == (False, "")
    if bit_rate:
        return  # a codec that keeps changing its quality hides a frozen picture
    frozen, dog = _watched(films, "frozen", lambda _: scene, **coding)
    assert frozen[-1] is PictureState.FROZEN
    # The codec begins at another quality and takes up to half a minute to settle.
    assert AFTER_S <= frozen.index(PictureState.FROZEN) <= 30 + AFTER_S
    assert dog.stale
    assert "has not changed since 2027-01-15T" in dog.reason


def test_a_picture_that_freezes_and_comes_back(films: Films, scene: Picture) -> None:
    noisy = _noisy(scene, 2.0)
    states, dog = _watched(
        films,
        "hangs",
        lambda k: noisy(k if k < 10 * FPS or k >= 65 * FPS else 0),
        seconds=70.0,
    )
    first = states.index(PictureState.FROZEN)
    assert 10 + AFTER_S <= first <= 60
    assert set(states[first:65]) == {PictureState.FROZEN}
    assert set(states[66:]) == {PictureState.OK}
    assert not dog.stale


def test_a_clock_in_a_frozen_looking_corner_is_enough(films: Films, scene: Picture) -> None:
    def paint(number: int) -> Picture:
        picture = scene.copy()
        at = 10 + 12 * (number // FPS % 12)
        picture[8:18, at : at + 6] = 255
        return picture

    # The marks come back after 12 s, when the first of them are known again: still no 20 s pass.
    states, _ = _watched(films, "clock", paint, seconds=30.0)
    assert set(states) == {PictureState.OK}


def test_a_loop_of_a_few_seconds_is_told_from_life(films: Films, scene: Picture) -> None:
    noisy = _noisy(scene, 2.0)

    def paint(number: int) -> Picture:
        return np.roll(noisy(number), 3 * number, axis=1)

    lively, _ = _watched(films, "lively", paint, seconds=45.0)
    assert set(lively) == {PictureState.OK}
    path = films.make("loop-4s.mp4", [k / FPS for k in range(4 * FPS)], options=X264, paint=paint)
    dog = PictureWatchdog(AFTER_S)
    verdicts = []
    with VideoSource(str(path), fps=1, loop=True, clock=lambda: 1_800_000_000.0) as source:
        for frame in source.frames():
            dog.see(frame.rgb, frame.wall_s)
            verdicts.append(dog.state())
            if frame.wall_s > 1_800_000_060.0:
                break
    assert 3 + AFTER_S <= verdicts.index(PictureState.REPEATING) <= 12 + AFTER_S
    assert verdicts[-1] is PictureState.REPEATING
    assert "again and again since" in dog.reason


def test_verdicts_are_the_same_each_time_and_a_new_size_is_new() -> None:
    def run() -> list[PictureState]:
        dog, states = PictureWatchdog(10.0), []
        for second in range(40):
            # From the 25th second on, the same grey in another size.
            shape = (90, 160, 3) if second < 25 else (45, 80, 3)
            dog.see(np.full(shape, 128, np.uint8), float(second))
            states.append(dog.state())
        return states

    states = run()
    assert states == run()
    assert [states.index(PictureState.FROZEN), states.index(PictureState.OK, 12)] == [10, 25]
    assert states[-1] is PictureState.FROZEN


def test_a_pause_without_frames_is_no_proof() -> None:
    dog = PictureWatchdog(10.0)
    picture = np.full((90, 160, 3), 128, np.uint8)
    verdicts = []
    for wall_s in (0.0, 1.0, 500.0, 1000.0, 1500.0, 1400.0, 1501.0):
        dog.see(picture, wall_s)
        verdicts.append(dog.stale)
    assert verdicts == [False] * 4 + [False, False, True]


def test_zero_switches_it_off_and_other_numbers_are_refused() -> None:
    dog = PictureWatchdog(0.0)
    for second in range(1000):
        dog.see(np.zeros((9, 16, 3), np.uint8), float(second))
    assert not dog.stale
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="0 or more"):
            PictureWatchdog(wrong)


def test_it_costs_little_time_and_bounded_memory() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (1080, 1920, 3), np.uint8) for _ in range(3)]
    dog = PictureWatchdog(1e6)
    took = []
    for second in count():
        picture = pictures[second % 3]
        picture[0, 0] = second % 256  # new each time, so that all are remembered
        picture[::16, ::16] += np.uint8(5)
        began = time.thread_time()
        dog.see(picture, float(second))
        took.append(time.thread_time() - began)
        if second == 200:
            break
    assert np.median(took[100:]) < 0.001  # 0.2 ms on an idle core
    held = sum(seen.points.nbytes for seen in dog._seen)
    assert held <= 64 * 9000
