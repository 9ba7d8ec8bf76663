import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flashstream.config import JudgeSettings, Settings

Response = tuple[int, dict[str, str], Any]
_ASKED = re.compile(r"Question: (.*)\nTrue answer: (.*)\nGiven answer, .*\n---\n(.*)\n---", re.S)


def chat(text: str) -> Response:
    """An OpenAI-compatible answer that says `text`."""
    message = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    return 200, {}, message | {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}


def fair(question: str, true: str, given: str) -> Response:
    """Right is what has one of the true answers in it."""
    right = any(each in given for each in true.split(" / or: "))
    return chat(json.dumps({"correct": "yes" if right else "no", "score": 5 if right else 1}))


@dataclass
class JudgeServer:
    """A judge on a port of its own; `respond` may be replaced while it runs."""

    url: str = ""
    respond: Callable[[str, str, str], Response] = fair
    asked: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settings(self, **judge: Any) -> Settings:
        fields = {"base_url": self.url, "model": "grader"} | judge
        return Settings(judge=JudgeSettings(**fields))

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> Response:
        found = _ASKED.search(body["messages"][-1]["content"])
        assert found is not None
        with self.lock:
            self.asked[found[1]] += 1
            self.bodies.append(body)
            self.headers.append(headers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.respond(found[1], found[2], found[3])
        finally:
            with self.lock:
                self.at_once -= 1


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    served = JudgeServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/chat/completions":
                answered: Response = (404, {}, {"error": {"message": "no such path"}})
            else:
                answered = served.take(body, dict(self.headers))
            status, headers, answer = answered
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                return  # whoever asked has been killed

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
