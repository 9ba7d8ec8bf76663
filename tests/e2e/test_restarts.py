"""What dies or is killed starts again, with its memory; what is told to end leaves nothing.

The tests run in this order, after all others of the platform, which the last one ends.
"""

import signal
from contextlib import suppress

import psutil
import pytest
from support.served import Served

from flashstream.client import Client, RemoteError
from flashstream.errors import FlashstreamError
from flashstream.living import lives
from flashstream.loadtests.service import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]


def first_remembered(client: Client, stream: str) -> str:
    """When the oldest of what it remembers began."""
    start: str = min(slot["start"] for slot in client.memory(stream)["slots"])
    return start


def test_a_killed_stream_actor_comes_back_with_its_memory(served: Served, stream: str) -> None:
    with served.client() as client:
        before = client.stream(stream)
        actor = psutil.Process(before["pid"])
        actor.send_signal(signal.SIGKILL)
        actor.wait(10)
        assert client.stream(stream)["state"] == "connecting"  # before the fleet has seen it, too
        until(
            lambda: (
                (now := client.stream(stream))["frames_seen"] > before["durable_version"]
                and now["state"] == "live"
            )
        )
        assert first_remembered(client, stream) < before["since"]


def test_a_killed_encoder_comes_back_and_streams_go_on(served: Served, stream: str) -> None:
    with served.client() as client:
        (encoder,) = served.processes("ray::EncoderActor")
        encoder.send_signal(signal.SIGKILL)
        encoder.wait(10)
        seen = client.stream(stream)["frames_seen"]
        until(lambda: client.stream(stream)["frames_seen"] > seen + 3, 60)
        assert client.stream(stream)["state"] == "live"


def test_a_killed_answerer_comes_back_and_leaves_no_engine_behind(
    served: Served, stream: str
) -> None:
    refusals: list[int] = []

    def answered() -> str:
        with served.client() as client:
            try:
                answer: str = client.ask(stream, "What does the camera show now?")["answer"]
            except RemoteError as refused:
                refusals.append(refused.status)
                return ""
            return answer

    # Whatever an earlier test did to the engine, an answering platform is where this one begins.
    until(answered, 120)
    (replica,) = served.processes("ray::ServeReplica:flashstream:answerer")
    # The engine is a child of the replica. Its title does not name it everywhere: `setproctitle`
    # does nothing, and says nothing, where it does not find the program's arguments in memory.
    children = replica.children(recursive=True)
    assert children
    replica.send_signal(signal.SIGKILL)
    _, left = psutil.wait_procs(children, 30)
    assert left == []

    refusals.clear()
    assert "cheetah" in until(answered, 120).lower()
    assert set(refusals) <= {503, 504}  # said clearly, while it restarts


def test_when_ray_dies_the_service_starts_again_and_goes_on_with_its_memories(
    served: Served, stream: str
) -> None:
    with served.client() as client:
        until(lambda: client.stream(stream)["state"] == "live", 60)
        before, first = client.stream(stream), first_remembered(client, stream)
        (raylet,) = (each for each in served.processes() if each.name() == "raylet")
        raylet.kill()

        def seen_again() -> bool:
            with suppress(FlashstreamError):
                now = client.stream(stream)
                seen = now["frames_seen"] > before["durable_version"]
                return bool(now["state"] == "live" and seen and now["pid"] != before["pid"])
            return False

        until(seen_again, 180)
        assert served.running
        assert first_remembered(client, stream) == first
        answer = client.ask(stream, "Has a cheetah been seen?")["answer"]
        assert answer.lower().startswith("yes")
    assert "Ray's raylet has died" in served.log.read_text()


def test_streams_and_their_memory_are_there_after_a_restart(served: Served, stream: str) -> None:
    """The restart also changes the encoder's placement: each stream actor holds its own."""
    with served.client() as client:
        before, first = client.memory(stream), first_remembered(client, stream)
    assert served.stop() == 0
    served.start("--set", "encoder.placement=own")
    with served.client() as client:
        until(lambda: client.stream(stream)["state"] == "live", 60)
        after = client.memory(stream)
        assert after["version"] >= before["version"]
        assert first_remembered(client, stream) == first
        until(lambda: client.memory(stream)["version"] > after["version"] + 3, 60)
        assert served.processes("ray::EncoderActor") == []
        answer = client.ask(stream, "Has a cheetah been seen?")["answer"]
        assert answer.lower().startswith("yes")


def test_a_removed_stream_leaves_no_process(served: Served, stream: str) -> None:
    with served.client() as client:
        client.remove_stream(stream)
        assert client.streams() == []
        with pytest.raises(RemoteError, match="no stream"):
            client.ask(stream, "What?")
    # One at most is kept ready for the next.
    until(lambda: len(served.processes("ray::StreamActor")) <= 1)


def test_told_to_end_it_leaves_no_process(served: Served) -> None:
    """Last of all end-to-end tests, so that the platform does not run on beside the others."""
    processes = served.processes()
    assert processes
    assert served.stop() == 0
    until(lambda: not any(lives(process) for process in processes), 20)
