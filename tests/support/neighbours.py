"""Other programs of the machine, which take what CPU time they are given."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psutil

from flashstream.loadtests.service import until

# It ends when its standard input does, as when the process that has started it is killed.
_SPINS: Final = """
import sys, threading
def spin():
    while True: pass
threading.Thread(target=spin, daemon=True).start()
sys.stdin.read()
"""


@contextmanager
def neighbours(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """That many processes that compute without pause until the context ends."""
    command = [sys.executable, "-I", "-S", "-c", _SPINS]
    with ExitStack() as stack:
        processes = []
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE))
            stack.callback(process.kill)
            processes.append(process)
        yield processes


def keep_on(core: int, process: psutil.Process, niceness: int = 0) -> None:
    """All threads of it on that core alone."""
    until(lambda: process.num_threads() > 1)
    for thread in process.threads():
        os.sched_setaffinity(thread.id, {core})
        os.setpriority(os.PRIO_PROCESS, thread.id, niceness)
