"""Other programs of the machine, which take what CPU time they are given."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

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
