"""Starts and stops a whole platform: store, Ray, encoder, fleet, answerer, gateway."""

import contextlib
import io
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import structlog
from pydantic import SecretStr

from flashstream.config import Settings
from flashstream.errors import FlashstreamError, NotReadyError, PortInUseError
from flashstream.logs import REPLICA_LOGS, SERVE_LOGS
from flashstream.memory_store.embedded import EmbeddedValkey
from flashstream.memory_store.open import open_store
from flashstream.models.registry import configured
from flashstream.ray_head import RayHead

Report = Callable[[str, float], None]
"""Called with what is being started, and the share of it done (0 to 1)."""

_STORE_LOOK_S = 0.5
_HEAD_LOOK_S = 0.5
_GONE_S = 20.0
_GONE_LOOK_S = 0.2
_READY_S = 300.0  # converting and loading the language model on slow disks


def no_report(step: str, share: float) -> None:
    """Reports to nobody."""


class Platform:
    """A running platform; a context manager that stops all it started.

    Raises what is wrong before anything is started: `PortInUseError`, `MissingPackageError`,
    `EmbeddedStoreError`, `StoreError`.
    """

    def __init__(self, settings: Settings, report: Report = no_report) -> None:
        self._settings = settings
        self._report = report
        self._stack = ExitStack()
        self._head: RayHead | None = None
        self._logs = Path()
        self._log = structlog.get_logger()

    @property
    def url(self) -> str:
        http = self._settings.http
        host = "127.0.0.1" if http.host in ("0.0.0.0", "::") else http.host
        return f"http://{host}:{http.port}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self._settings.metrics.port}/metrics"

    @property
    def logs(self) -> Path:
        """Where actors and replicas of this node write theirs, once it runs: Ray's own link to the
        newest such folder is not renewed when what it names is deleted."""
        return self._logs

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Ray prints, on standard output, that Serve's controller ended when it was told to.
        with contextlib.redirect_stdout(io.StringIO()):
            self._stack.close()

    def wait(self, stop: threading.Event) -> str:
        """Until `stop` is set, or a process has died without which Ray is nothing: its name then,
        otherwise empty. In a cluster of one's own none is looked at."""
        while not stop.wait(_HEAD_LOOK_S):
            if self._head is not None and self._head.dead:
                self._log.error("ray_died", process=self._head.dead)
                return self._head.dead
        return ""

    def abandon(self) -> None:
        """End what is left of a Ray that has died, and wait until its ports are free. Nothing can
        be asked of it any more: what was not committed is lost."""
        if self._head is not None:
            self._head.end()
        deadline = time.monotonic() + _GONE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(PortInUseError):
                return self._check_ports()
            time.sleep(_GONE_LOOK_S)

    def _check_ports(self) -> None:
        check_port_free(self._settings.http.host, self._settings.http.port, "http.port")
        check_port_free("127.0.0.1", self._settings.metrics.port, "metrics.port")

    def _start(self) -> None:
        settings = self._settings
        self._check_ports()
        model = configured(settings)
        model.check()
        with self._step("store"):
            settings = self._open_store(settings)
        with self._step("model files"):
            model.prepare(settings.cache_dir, lambda _, done: self._report("model files", done))
        with self._step("ray"):
            self._start_ray(settings)
        with self._step("encoder"):
            self._start_actors(settings)
        with self._step("language model"):
            self._start_serve(settings)
        with self._step("gateway"):
            self._wait_ready()

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self._report(name, 0.0)
        yield
        self._report(name, 1.0)
        self._log.info("started", part=name, seconds=round(time.monotonic() - began, 2))

    def _open_store(self, settings: Settings) -> Settings:
        if settings.store.redis_url is None:
            server = self._stack.enter_context(EmbeddedValkey(settings.store.data_dir / "valkey"))
            self._stack.enter_context(kept_alive(server))
            embedded = settings.store.model_copy(update={"redis_url": SecretStr(server.url)})
            settings = settings.model_copy(update={"store": embedded})
        store = open_store(settings.store_url(), settings.store.durability)
        try:
            store.ping()
        finally:
            store.close()
        return settings

    def _start_ray(self, settings: Settings) -> None:
        if settings.ray.address is None:
            self._head = RayHead.start(settings)
        import ray

        if settings.ray.address is not None:
            logging.getLogger("ray").setLevel(logging.ERROR)
            ray.init(
                address=settings.ray.address,
                namespace=settings.ray.namespace,
                log_to_driver=False,
            )
        self._stack.callback(ray.shutdown)
        context = ray.get_runtime_context()
        self._logs = Path(context.get_temp_dir()) / context.get_session_name() / "logs"

    def _start_actors(self, settings: Settings) -> None:
        from flashstream.actors.ray_actors import start_encoder, start_fleet, stop_all

        if settings.encoder.placement == "shared":
            start_encoder(settings).wait_ready(_READY_S)
        self._stack.callback(stop_all, settings)
        start_fleet(settings).wait_ready(_READY_S)

    def _start_serve(self, settings: Settings) -> None:
        from ray import serve

        from flashstream.deployments.app import APP, build

        logging.getLogger("ray.serve").setLevel(logging.ERROR)  # set to INFO by its import
        serve.start(
            proxy_location="HeadOnly",
            http_options={"host": settings.http.host, "port": settings.http.port},
            logging_config=SERVE_LOGS,
        )
        self._stack.callback(serve.shutdown)
        serve.run(
            build(settings),
            name=APP,
            route_prefix="/",
            blocking=False,
            logging_config=REPLICA_LOGS,
        )

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        last = "no answer yet"
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.get(f"{self.url}/readyz", timeout=10)
                if answer.status_code == 200:
                    return
                last = answer.text
            time.sleep(0.2)
        raise NotReadyError(f"the platform was not ready within {_READY_S:g} s: {last}")


@contextlib.contextmanager
def kept_alive(server: EmbeddedValkey) -> Iterator[None]:
    """Start the store again whenever it dies, with what it had written; streams catch up."""
    stop = threading.Event()
    log = structlog.get_logger()

    def watch() -> None:
        while not stop.wait(_STORE_LOOK_S):
            try:
                if server.revive():
                    log.warning("store_restarted")
            except FlashstreamError as failure:
                log.error("store_not_restarted", error=failure.message)

    watcher = threading.Thread(target=watch, name="store-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def check_port_free(host: str, port: int, setting: str) -> None:
    """Raise `PortInUseError` naming the setting if another process listens there."""
    family_of: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family_of, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise PortInUseError(
                f"{setting} = {port} may not be opened by this user; choose one above 1023",
                port=port,
            ) from None
        except OSError as failure:
            raise PortInUseError(
                f"cannot listen on {host}:{port} ({failure.strerror}); "
                f"stop what listens there or set {setting} to another port",
                port=port,
            ) from None
