"""What a process keeps of large buffers that it has freed, in processes of their own."""

import subprocess
import sys

import pytest

FREES = """
import sys
import numpy as np
import psutil
from flashstream.actors.heap import give_back_large

if sys.argv[1] == "told":
    assert give_back_large()
np.ones(8 << 20, np.uint8).sum()  # freed: it has glibc take such from its heap from now on
before = psutil.Process().memory_info().rss
large, small = [], []
for _ in range(64):
    large.append(np.ones(1 << 20, np.uint8))
    small.append(np.ones(4000, np.uint8))
large.clear()
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.parametrize(("told", "kept_mb"), [("told", (-1, 2)), ("untold", (60, 66))])
def test_freed_frames_between_small_things_that_stay_are_given_back(
    told: str, kept_mb: tuple[int, int]
) -> None:
    run = [sys.executable, "-c", FREES, told]
    kept = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert kept_mb[0] < kept / 2**20 < kept_mb[1]
