"""Which decoder is chosen, and that a GPU that does not open costs nothing but a line."""

import errno
from typing import Any

import av.error
import pytest
from structlog.testing import capture_logs

from flashstream.errors import UnreachableSourceError
from flashstream.video.decoder import Decoder, gpu_present
from flashstream.video.source import VideoSource

Films = Any  # tests/video/conftest.py


def _fails() -> None:
    raise av.error.PermissionError(errno.EPERM, "no driver")


class Trials:
    """A GPU that opens as often as it is told to."""

    def __init__(self, good: int) -> None:
        self.good, self.done = good, 0

    def __call__(self) -> None:
        self.done += 1
        if self.done > self.good:
            _fails()


@pytest.mark.parametrize(
    ("name", "listed", "present", "good", "cuda", "told"),
    [
        ("software", ["cuda"], True, 9, False, False),
        ("auto", ["cuda"], True, 9, True, False),
        ("auto", ["cuda"], False, 9, False, False),
        ("auto", ["vaapi"], True, 9, False, False),
        ("auto", ["cuda"], True, 0, False, True),
        ("cuda", ["cuda"], False, 9, True, False),
        ("cuda", ["vaapi"], True, 9, False, True),
        ("cuda", ["cuda"], True, 0, False, True),
    ],
)
def test_what_is_chosen(
    name: Any, listed: list[str], present: bool, good: int, cuda: bool, told: bool
) -> None:
    trials = Trials(good)
    decoder = Decoder(name, listed=lambda: listed, present=lambda: present, trial=trials)
    with capture_logs() as logs:
        chosen = [decoder.choose() is not None for _ in range(3)]
    assert chosen == [cuda] * 3
    assert [line["event"] for line in logs] == ["decoder_fell_back"] * told
    assert trials.done <= 1


def test_a_gpu_that_is_lost_later_is_left_for_good() -> None:
    decoder = Decoder("cuda", listed=lambda: ["cuda"], trial=Trials(2))
    assert decoder.choose() is not None
    assert not decoder.lost()
    with capture_logs() as logs:
        assert decoder.lost()
        assert decoder.lost()
    assert decoder.choose() is None
    assert len(logs) == 1


@pytest.mark.skipif(gpu_present(), reason="is about a machine without a GPU")
def test_without_a_gpu_the_real_device_does_not_open_and_software_decodes(films: Films) -> None:
    path = films.make("fallback.mp4", [k * 0.1 for k in range(20)])
    with capture_logs() as logs:
        decoder = Decoder("cuda")
        for _ in range(2):
            with VideoSource(str(path), fps=5, decoder=decoder) as source:
                assert len(list(source.frames())) == 10
    told = [line for line in logs if line["event"] == "decoder_fell_back"]
    assert len(told) == 1
    assert "does not open" in told[0]["reason"]
    with capture_logs() as logs:
        assert Decoder("auto").choose() is None
    assert logs == []


@pytest.mark.skipif(gpu_present(), reason="is about a machine without a GPU")
def test_a_device_that_goes_after_its_trial_does_not_cost_the_camera(films: Films) -> None:
    path = films.make("lost.mp4", [k * 0.1 for k in range(20)])
    # Its trial succeeds once; the container then meets the real, missing device.
    decoder = Decoder("cuda", trial=Trials(1))
    with capture_logs() as logs, VideoSource(str(path), fps=5, decoder=decoder) as source:
        assert len(list(source.frames())) == 10
    assert [line["event"] for line in logs] == ["decoder_fell_back"]


def test_a_missing_camera_is_no_reason_to_leave_the_gpu() -> None:
    decoder = Decoder("cuda", listed=lambda: ["cuda"], trial=Trials(9))
    source = VideoSource("rtsp://127.0.0.1:9/none", fps=1, decoder=decoder)
    with pytest.raises(UnreachableSourceError):
        next(source.frames())
    assert decoder.choose() is not None
