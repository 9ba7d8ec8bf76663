"""A world as real video: an H.264 file, and an RTSP camera that plays it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.evals.world.world import World

Report = Callable[[float], None]

_X264 = {"preset": "veryfast", "tune": "zerolatency", "crf": "23"}


def film(
    world: World, to: Path, *, speed: float = 1.0, hold: int = 1, report: Report | None = None
) -> Path:
    """Write a world's frames as an H.264 MP4, as a camera would send them, and give back `to`.

    The traces of compression are the encoder's: the frames go to it as the sensor has them. There
    is a key frame each second, or at each picture if there are fewer, and no B-frames. speed: how
    much faster than in the world time passes in the film. hold: pictures in a row of each frame,
    as of a camera that sends more a second than the world has frames. report: is told the share
    that is done.
    """
    bare = World(replace(world.spec, quality=None))
    rate = Fraction(world.spec.fps * speed * hold).limit_denominator(1000)
    with av.open(str(to), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=rate, options=_X264 | {"g": str(max(1, int(rate)))})
        stream.width, stream.height = world.spec.size
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / rate
        for number, rgb in enumerate(bare.frames()):
            for again in range(hold):
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                frame.pts, frame.time_base = number * hold + again, 1 / rate
                out.mux(stream.encode(frame))
            if report is not None and number % 50 == 0:
                report(number / len(bare))
        out.mux(stream.encode(None))
    if report is not None:
        report(1.0)
    return to


@contextmanager
def camera(
    world: World, folder: Path, *, speed: float = 1.0, on_demand: bool = True, port: int = 0
) -> Iterator[str]:
    """The address of an RTSP camera that shows a world once, from its start, while the context
    lasts; its film is written to `folder` first.

    on_demand: the world begins when the first viewer comes, not with the camera. port: 0 for any
    that is free. Raises `PortInUseError`.
    """
    name = f"world-{world.spec.split}-{world.spec.seed}"
    path = film(world, folder / f"{name}.mp4", speed=speed)
    mounts = {name: Mount(path, loop=False, on_demand=on_demand)}
    with RtspServer(mounts, port=port) as server:
        yield server.url(name)
