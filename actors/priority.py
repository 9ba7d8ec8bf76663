"""Work that waits for calls: who asks and who looks after the fleet comes first on a full node."""

import os
from typing import Final

_NICER: Final = 5


def yield_to_calls() -> None:
    """Have the calling thread, and all that it starts from now on, get a core after those that
    answer calls: with a third of their share while both want one (Linux weighs 5 steps so).

    Only threads: in Linux each has a niceness of its own. What a process's other threads do (its
    calls, Ray's heartbeats) stays as it was.
    """
    os.nice(_NICER)
