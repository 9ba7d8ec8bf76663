"""When something is done that shall keep step with nothing."""

import itertools
import random
from collections.abc import Iterator


def moments(every_s: float) -> Iterator[float]:
    """Seconds from now on: one in each `every_s`, anywhere in it, without end.

    At a steady beat, questions or readings would keep step with what else is done at one (reports
    of metrics, frames, a camera that comes and goes), and meet it each time for many minutes, then
    never: what is measured would rise and fall in slow waves.
    """
    chance = random.Random(0)  # the same each time
    for slot in itertools.count():
        yield (slot + chance.random()) * every_s
