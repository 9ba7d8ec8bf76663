"""How long to wait before the next attempt."""

import random


def pause_s(attempt: int, longest_s: float) -> float:
    """Seconds after that many failures, from 1: 1, 2, 4, …, each shortened by chance by up to a
    half, so that what went away from all at once is not called by all at once."""
    return min(longest_s, 0.5 * 2.0 ** min(attempt, 10)) * random.uniform(0.5, 1.0)
