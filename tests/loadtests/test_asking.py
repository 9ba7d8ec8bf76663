"""The asker: it keeps its rate, tells clear refusals from unclear ones, and holds back."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pytest

from flashstream.client import Client
from flashstream.errors import NotReadyError
from flashstream.loadtests.asking import Asker
from flashstream.loadtests.moments import moments
from flashstream.loadtests.service import until

ANSWER = {"answer": "A dog.", "memory": {"age_s": 0.5}, "timings": {"ttft_s": 0.1}}


class Handler(BaseHTTPRequestHandler):
    """Answers by the stream's name."""

    wait = threading.Event()

    def do_POST(self) -> None:
        stream = self.path.split("/")[3]
        self.rfile.read(int(self.headers["content-length"]))
        if stream == "slow":
            self.wait.wait(10)
        status, body = {
            "busy": (429, {"error": {"code": "overloaded", "message": "later"}}),
            "broken": (500, {"error": {"code": "internal_error", "message": "what?"}}),
        }.get(stream, (200, ANSWER))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    Handler.wait = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        Handler.wait.set()
        server.shutdown()
        thread.join()


def test_each_kind_of_outcome_is_told_apart(url: str) -> None:
    with Asker(lambda: Client(url), ["fine", "busy", "broken"], 10) as asker:
        until(lambda: {each.stream for each in asker.asked} == {"fine", "busy", "broken"}, 60)
    by_stream = {each.stream: each for each in asker.asked}
    assert by_stream["fine"].answered
    assert by_stream["fine"].age_s == 0.5
    assert (by_stream["busy"].refusal, by_stream["busy"].unclear) == ("overloaded", False)
    assert (by_stream["broken"].refusal, by_stream["broken"].unclear) == ("internal_error", True)


def test_those_who_come_together_are_as_many_as_if_they_came_one_by_one(url: str) -> None:
    began = time.monotonic()
    with Asker(lambda: Client(url), ["fine", "busy"], 3, at_once=6) as asker:
        until(lambda: len(asker.asked) >= 12, 60)
    asked = sorted(asker.asked, key=lambda each: each.at_s)
    assert Counter(each.stream for each in asked[:12]) == {"fine": 6, "busy": 6}
    _, second_s = islice(moments(2.0), 2)
    assert asked[6].at_s >= began + second_s > began + 3.0  # at no steady beat
    assert asked[5].at_s - asked[0].at_s < asked[6].at_s - asked[5].at_s


def test_slow_answers_do_not_slow_the_asker_but_hold_it_back_in_the_end(url: str) -> None:
    with Asker(lambda: Client(url), ["slow"], 100, most_open=3) as asker:
        until(lambda: asker.held_back > 5, 60, 0.01)
        assert asker.asked == []
        Handler.wait.set()
        until(lambda: len(asker.asked) >= 3, 60)


def test_a_service_that_is_not_there_is_an_unclear_error() -> None:
    began = time.monotonic()
    with Asker(lambda: Client("http://127.0.0.1:9"), ["any"], 20) as asker:
        until(lambda: asker.asked, 60)
    assert asker.asked[0].refusal == "unreachable"
    assert asker.asked[0].unclear
    assert time.monotonic() - began < 10


def test_an_asker_who_is_never_answered_says_what_it_heard(url: str) -> None:
    with Asker(lambda: Client(url), ["fine"], 20) as asker:
        asker.await_answer(60)
    with Asker(lambda: Client(url), ["busy", "broken"], 20) as asker:
        until(lambda: len({each.stream for each in asker.asked}) == 2, 60)
        with pytest.raises(NotReadyError, match=r"no question was answered in 1 s: later; what\?"):
            asker.await_answer(1)
