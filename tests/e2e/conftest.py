"""One running platform and an RTSP camera, for all end-to-end tests."""

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from support.served import FIRST, FIRST_S, SECOND, Served, running_s

from flashstream import media
from flashstream.demo.cameras import Film, Scene, film_of_photographs
from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.loadtests.service import until


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the platform had said by then, and which processes it has left."""
    report = yield
    service = getattr(item, "funcargs", {}).get("served")
    if report.failed and isinstance(service, Served):
        report.sections += [("the platform", service.told())]
    return report


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    service = Served(tmp_path_factory.mktemp("served"))
    service.start()
    yield service
    if service.running:
        service.stop()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """An espresso for six seconds, then a cheetah."""
    scenes = [Scene(media.locate(FIRST), FIRST_S, FIRST), Scene(media.locate(SECOND), 600, SECOND)]
    return film_of_photographs(
        scenes, tmp_path_factory.mktemp("films") / "two.mp4", size=(320, 240), fps=5
    )


@pytest.fixture(scope="session")
def cameras(film: Film) -> Iterator[RtspServer]:
    with RtspServer({"two": Mount(film.path, on_demand=True)}) as server:
        yield server


@pytest.fixture(scope="session")
def stream(served: Served, cameras: RtspServer) -> str:
    """A stream that has seen both scenes of the film."""
    with served.client() as client:
        client.add_stream("two", cameras.url("two"), fps=2)
        until(lambda: running_s(cameras) > FIRST_S + 4, 60)
    return "two"
