"""The whole way on real parts: RTSP camera → memory → answer over HTTP and SSE; what is refused.

The tests run in this order on one platform.
"""

import io
import json
import re
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image
from support.served import FIRST_S, Served, running_s

from flashstream import media
from flashstream.client import RemoteError
from flashstream.demo.rtsp import RtspServer
from flashstream.loadtests.service import FLASHSTREAM, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

README = Path(__file__).resolve().parents[2] / "README.md"


def test_readiness_and_health(served: Served) -> None:
    assert httpx.get(f"{served.url}/healthz").json()["status"] == "ok"
    assert httpx.get(f"{served.url}/readyz").json() == {"ready": True, "not_ready": {}}


def test_no_process_of_it_listens_beyond_loopback(served: Served, stream: str) -> None:
    addresses = {
        (connection.laddr.ip, connection.laddr.port)
        for process in served.processes("")
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert ("127.0.0.1", served.http_port) in addresses
    assert {ip for ip, _ in addresses} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_watchers_have_one_heap_each(served: Served, stream: str) -> None:
    watchers = served.processes("ray::StreamActor")
    assert watchers
    assert {process.environ().get("MALLOC_ARENA_MAX") for process in watchers} == {"1"}


def test_ray_itself_has_the_systems_heap(served: Served) -> None:
    ray = [each for each in served.processes("") if each.name() in ("raylet", "gcs_server")]
    assert {process.name() for process in ray} == {"raylet", "gcs_server"}
    libraries = {Path(part.path).name for process in ray for part in process.memory_maps()}
    assert any(name.startswith("libc.") for name in libraries)
    assert not any("malloc" in name for name in libraries)


def test_an_rtsp_camera_is_answered_over_http(served: Served, stream: str) -> None:
    with served.client() as client:
        found = client.stream(stream)
        assert found["state"] == "live"
        assert found["frames_seen"] >= 10
        answer = client.ask(stream, "What does the camera show now?")
        assert re.search("cheetah|leopard", answer["answer"], re.IGNORECASE)
        assert answer["memory"]["age_s"] < 5
        assert answer["memory"]["version"] >= found["memory_version"]
        assert answer["usage"]["completion_tokens"] > 0
        assert 0 < answer["timings"]["ttft_s"] <= answer["timings"]["total_s"]
        jpeg = client.picture(answer["evidence"][0]["image"])
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert picture.format == "JPEG"
        assert 96 <= picture.width <= 320  # as large as `memory.thumbnail_bytes` lets it be


def test_the_past_is_answered_word_by_word_over_sse(
    served: Served, stream: str, cameras: RtspServer
) -> None:
    with served.client() as client:
        ago = round(running_s(cameras) - FIRST_S / 2)
        events = list(client.ask_stream(stream, f"What was there {ago} seconds ago?"))
    kinds = [kind for kind, _ in events]
    assert kinds[-1] == "done"
    assert kinds[:-1] == ["token"] * (len(kinds) - 1)
    assert kinds[:-1]
    answer = events[-1][1]["answer"]
    assert "".join(data["text"] for _, data in events[:-1]).strip() == answer.strip()
    assert re.search("espresso|coffee", answer, re.IGNORECASE)


def test_memory_lists_its_slots(served: Served, stream: str) -> None:
    with served.client() as client:
        memory = client.memory(stream)
    assert sum(slot["weight"] for slot in memory["slots"]) == memory["frames_seen"]
    assert all(slot["start"] <= slot["mean"] <= slot["end"] for slot in memory["slots"])


def test_the_command_line_asks_and_lists(served: Served, stream: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [FLASHSTREAM, *arguments, "--url", served.url]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    asked = run("ask", stream, "What does the camera show now?")
    assert asked.returncode == 0, asked.stderr
    assert "cheetah" in asked.stdout.lower()
    assert "first token" in asked.stderr
    listed = run("streams", "list", "--json")
    assert f'"id": "{stream}"' in listed.stdout
    unknown = run("ask", "nobody", "Who?")
    assert unknown.returncode == 2
    assert "unknown_stream" in unknown.stderr


BAD_STREAMS = {
    "no url at all": ("x", "", 400, "malformed_url"),
    "malformed": ("x", "rtsp://", 400, "malformed_url"),
    "bad port": ("x", "rtsp://host:port/cam", 400, "malformed_url"),
    "unsupported scheme": ("x", "gopher://host/cam", 400, "unsupported_url"),
    "unreachable host": ("x", "rtsp://127.0.0.1:9/cam", 422, "source_unreachable"),
    "missing file": ("x", "/nowhere/at/all.mp4", 422, "source_unreachable"),
    "no video": ("x", "{folder}/text.mp4", 422, "source_not_video"),
    "sound only": ("x", "{folder}/sound.mp4", 422, "source_no_video_track"),
    "zero length": ("x", "{folder}/empty.mp4", 422, "source_empty"),
    "ill-formed id": ("a b", "{clip}", 422, "invalid_stream_id"),
    "duplicate id": ("two", "{clip}", 409, "stream_exists"),
}


@pytest.fixture(scope="module")
def odd_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import av
    import numpy as np

    folder = tmp_path_factory.mktemp("odd")
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "empty.mp4").write_bytes(b"")
    with av.open(str(folder / "sound.mp4"), "w") as out:
        track = out.add_stream("aac", rate=44_100, layout="mono")
        silence = np.zeros((1, 1024), dtype=np.float32)
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44_100, number * 1024
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return folder


@pytest.mark.parametrize("case", BAD_STREAMS)
def test_a_bad_stream_is_refused_and_nothing_stays_behind(
    served: Served, stream: str, odd_files: Path, case: str
) -> None:
    name, url, status, code = BAD_STREAMS[case]
    url = url.format(folder=odd_files, clip=media.locate("bikes"))
    with served.client() as client:
        with pytest.raises(RemoteError) as refused:
            client.add_stream(name, url)
        assert (refused.value.status, refused.value.code) == (status, code)
        assert len(refused.value.message) > 20
        assert [entry["id"] for entry in client.streams()] == [stream]
        assert client.readiness()["ready"]


@pytest.mark.parametrize(
    ("stream_id", "question", "status", "code"),
    [
        ("nobody", "What?", 404, "unknown_stream"),
        ("a%20b", "What?", 422, "invalid_stream_id"),
        ("two", "   ", 422, "empty_question"),
        ("two", "why " * 60, 422, "question_too_long"),
    ],
)
def test_a_bad_question_is_refused(
    served: Served, stream: str, stream_id: str, question: str, status: int, code: str
) -> None:
    with served.client() as client, pytest.raises(RemoteError) as refused:
        client.ask(stream_id, question)
    assert (refused.value.status, refused.value.code) == (status, code)


def test_a_body_too_large_is_refused(served: Served) -> None:
    answer = httpx.post(f"{served.url}/v1/streams", content=b"x" * 100_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_a_question_before_the_first_frame(served: Served) -> None:
    with served.client() as client:
        client.add_stream("dark", "rtsp://127.0.0.1:9/dark", check=False)
        try:
            until(lambda: client.stream("dark")["state"] == "reconnecting")
            with pytest.raises(RemoteError) as refused:
                client.ask("dark", "What is there?")
            assert (refused.value.status, refused.value.code) == (409, "no_memory_yet")
        finally:
            client.remove_stream("dark")
        with pytest.raises(RemoteError, match="no stream 'dark'"):
            client.stream("dark")


def test_a_question_that_is_refused_leaves_no_stack_trace(served: Served) -> None:
    """The one before the first frame, above."""
    logs = [each for each in served.logs.rglob("*") if each.is_file()]
    assert not [each for each in logs if "NoMemoryYetError" in each.read_text(errors="replace")]


def test_a_port_in_use_is_named_by_a_second_serve(served: Served, tmp_path: Path) -> None:
    done = subprocess.run(
        [FLASHSTREAM, "serve", "--port", str(served.http_port), "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "port_in_use" in done.stderr
    assert str(served.http_port) in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_metrics_of_actors_and_replicas_are_at_one_port(served: Served, stream: str) -> None:
    def metrics() -> str:
        text = httpx.get(served.metrics_url).text
        wanted = (
            "ray_flashstream_frames_decoded_total",
            "ray_flashstream_encode_seconds_count",
            "ray_flashstream_observe_seconds_count",
            "ray_flashstream_commit_seconds_count",
            "ray_flashstream_snapshot_age_seconds_count",
            "ray_flashstream_ttft_seconds_count",
            "ray_flashstream_answer_seconds_count",
            "ray_flashstream_tokens_total",
        )
        return text if all(name in text for name in wanted) else ""

    assert stream not in re.findall(r'stream="([^"]*)"', until(metrics, 60))


def test_a_request_is_noted_once_by_the_proxy(served: Served) -> None:
    def noted() -> Counter[str]:
        logs = [each for each in served.logs.rglob("*") if each.is_file()]
        request = "DELETE /v1/streams/{id} 404"
        return Counter({log.name: log.read_text(errors="replace").count(request) for log in logs})

    before = noted()
    with served.client() as client, pytest.raises(RemoteError, match="no stream"):
        client.remove_stream("nowhere")
    until(lambda: noted() - before)
    assert noted() - before == {"proxy_127.0.0.1.log": 1}
    for line in (served.logs / "serve" / "proxy_127.0.0.1.log").read_text().splitlines():
        assert "message" in json.loads(line)


def test_actors_write_lines_of_json_that_name_their_stream(served: Served, stream: str) -> None:
    lines = [
        json.loads(line)
        for log in served.logs.glob("worker-*.err")
        for line in log.read_text(errors="replace").splitlines()
        if line.startswith("{")
    ]
    assert any(line.get("stream") == stream and line["event"] == "state" for line in lines)


@pytest.mark.parametrize("word_by_word", [True, False])
def test_when_the_asker_leaves_the_answer_is_given_up(
    served: Served, stream: str, word_by_word: bool
) -> None:
    def given_up() -> float:
        pattern = r'ray_flashstream_questions_total\{[^}]*outcome="cancelled"[^}]*\} ([\d.]+)'
        counts = re.findall(pattern, httpx.get(served.metrics_url).text)
        return sum(map(float, counts))

    before = given_up()
    body = json.dumps({"question": "What was seen, in order?", "stream": word_by_word})
    request = (
        f"POST /v1/streams/{stream}/ask HTTP/1.1\r\nHost: {served.url[7:]}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )

    # Left before the answerer has the question, there is nothing to give up; left after the last
    # word, neither: so leave later and later.
    for leave_after_s in (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.6):
        with socket.create_connection(("127.0.0.1", served.http_port)) as asker:
            asker.sendall(request.encode())
            time.sleep(leave_after_s)
    until(lambda: given_up() > before, 30)


def test_the_readme_s_curl_examples_work_as_written(served: Served, cameras: RtspServer) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        script = (
            block.replace("http://127.0.0.1:8000", served.url)
            .replace("rtsp://127.0.0.1:8554/kitchen", cameras.url("two"))
            .replace("curl -s", "curl --fail-with-body -s")
        )
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        assert '"error"' not in done.stdout
