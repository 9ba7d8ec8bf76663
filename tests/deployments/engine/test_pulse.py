"""A process that answers late is alive; one that does not answer hangs."""

import asyncio
import gc

from flashstream.deployments.engine.pulse import Pulse


class Other:
    """The other process: its answers come when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[asyncio.Future[bool]] = []

    def call(self) -> asyncio.Future[bool]:
        self.calls.append(asyncio.get_running_loop().create_future())
        return self.calls[-1]

    def pulse(self) -> Pulse:
        return Pulse(self.call, 10.0, clock=lambda: self.now)


async def test_one_call_is_out_at_a_time_and_its_age_tells() -> None:
    other = Other()
    pulse = other.pulse()
    assert not pulse.stalled()
    other.now = 10.0
    assert not pulse.stalled()
    other.now = 10.5
    assert pulse.stalled()
    assert pulse.stalled()
    assert len(other.calls) == 1


async def test_an_answer_however_late_begins_anew() -> None:
    other = Other()
    pulse = other.pulse()
    pulse.stalled()
    other.now = 50.0
    other.calls[0].set_result(False)
    assert not pulse.stalled()
    assert len(other.calls) == 2
    other.now = 61.0
    assert pulse.stalled()


async def test_what_nobody_asked_for_is_not_missed() -> None:
    """Nothing is out between two looks, however far they are apart."""
    other = Other()
    pulse = other.pulse()
    pulse.stalled()
    other.calls[0].set_result(False)
    other.now = 1000.0
    assert not pulse.stalled()


async def test_an_error_and_a_cancelled_call_are_answers() -> None:
    other = Other()
    pulse = other.pulse()
    pulse.stalled()
    other.calls[0].set_exception(RuntimeError("wrong"))
    other.now = 20.0
    assert not pulse.stalled()
    other.calls[1].cancel()
    other.now = 40.0
    assert not pulse.stalled()
    assert len(other.calls) == 3


async def test_an_error_is_not_reported_as_lost() -> None:
    other = Other()
    pulse = other.pulse()
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: reported.append(told))
    pulse.stalled()
    other.calls.pop().set_exception(RuntimeError("wrong"))
    pulse.stalled()
    gc.collect()
    assert reported == []
