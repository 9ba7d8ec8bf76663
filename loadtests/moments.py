"""When something is done that shall keep step with nothing."""

import itertools
import random
import time
from collections.abc import Callable, Iterator


def moments(every_s: float) -> Iterator[float]:
    """Seconds from now on: one in each `every_s`, anywhere in it, without end.

    At a steady beat, questions or readings would keep step with what else is done at one (reports
    of metrics, frames, a camera that comes and goes), and meet it each time for many minutes, then
    never: what is measured would rise and fall in slow waves.
    """
    chance = random.Random(0)  # the same each time
    for slot in itertools.count():
        yield (slot + chance.random()) * every_s


def looks(
    every_s: float,
    lasts_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[float]:
    """Waits for each of the `moments` of the next `lasts_s` seconds, yields how many seconds have
    gone then, and waits for their end. One whose moment comes while its caller is busy with the one
    before is late, not lost, unless all is over by then."""
    began = clock()
    for moment_s in moments(every_s):
        sleep(max(0.0, began + min(moment_s, lasts_s) - clock()))
        if (gone := clock() - began) >= lasts_s:
            return
        yield gone
