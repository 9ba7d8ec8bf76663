"""Which decoder reads a camera's pictures: the processor, or a GPU's video engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import av.error
import structlog
from av.codec.context import CodecContext
from av.codec.hwaccel import HWAccel, hwdevices_available

from flashstream.video.choices import DecoderName

_CUDA: Literal["cuda"] = "cuda"


def gpu_present() -> bool:
    """Whether the system shows an NVIDIA device (also through WSL)."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()


def open_device() -> None:
    """Open the GPU's decoder and close it again; raises av.error.FFmpegError."""
    CodecContext.create("h264", "r", hwaccel=HWAccel(_CUDA))


class Decoder:
    """Chooses for the sources of one process; falls back to software once, for good, and says so.

    "auto" takes the GPU if PyAV was built for it and one is there; "cuda" takes it if it opens;
    "software" never. A codec or size that the GPU does not decode is decoded in software either
    way, by FFmpeg itself.
    """

    def __init__(
        self,
        name: DecoderName = "software",
        *,
        listed: Callable[[], list[str]] = hwdevices_available,
        present: Callable[[], bool] = gpu_present,
        trial: Callable[[], None] = open_device,
    ) -> None:
        """listed, present, trial: what this machine has; see their defaults."""
        self._name = name
        self._listed = listed
        self._present = present
        self._trial = trial
        self._chosen: DecoderName | None = None

    def choose(self) -> HWAccel | None:
        """What to open a container with; None decodes in software. The first call tries it."""
        if self._chosen is None:
            self._chosen = self._wished()
            if self._chosen == _CUDA:
                self._try()
        return HWAccel(_CUDA) if self._chosen == _CUDA else None

    def fall_back(self, why: str) -> None:
        """Decode in software from now on."""
        if self._chosen != "software":
            self._chosen = "software"
            structlog.get_logger().warning("decoder_fell_back", decoder="software", reason=why)

    def lost(self) -> bool:
        """Try the GPU again after a failure that may be its own; if it is gone, fall back."""
        if self._chosen == _CUDA:
            self._try()
        return self._chosen != _CUDA

    def _wished(self) -> DecoderName:
        if self._name == "software" or (self._name == "auto" and not self._present()):
            return "software"
        if _CUDA in self._listed():
            return _CUDA
        if self._name == _CUDA:
            self.fall_back("this PyAV has no CUDA")
        return "software"

    def _try(self) -> None:
        try:
            self._trial()
        except (av.error.FFmpegError, NotImplementedError) as exc:
            self.fall_back(f"the GPU's decoder does not open: {exc}")
