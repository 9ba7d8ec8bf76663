"""The bounded queue between decoding and watching."""

import threading
import time

from flashstream.actors.mailbox import Mailbox


def test_when_full_the_oldest_goes_and_is_counted() -> None:
    box: Mailbox[int] = Mailbox(2)
    assert [box.put(item) for item in (1, 2, 3, 4)] == [0, 0, 1, 1]
    assert box.dropped == 2
    assert [box.get(0), box.get(0), box.get(0)] == [3, 4, None]


def test_put_waits_for_room_when_told_to() -> None:
    box: Mailbox[int] = Mailbox(1)
    box.put(1)
    putter = threading.Thread(target=box.put, args=(2,), kwargs={"wait": True})
    putter.start()
    time.sleep(0.05)
    assert putter.is_alive()
    assert box.get(30) == 1
    putter.join(30)
    assert box.get(30) == 2
    assert box.dropped == 0


def test_close_wakes_who_waits() -> None:
    box: Mailbox[int] = Mailbox(1)
    closer = threading.Timer(0.05, box.close)
    closer.start()
    began = time.monotonic()
    assert box.get(60) is None
    assert time.monotonic() - began < 30
    closer.join()
