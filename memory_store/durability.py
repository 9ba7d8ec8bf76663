"""When a write to Redis is acknowledged (docs/durability.md)."""

from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from flashstream.errors import DurabilityError

_UNKNOWN = "unknown command"


class Acknowledged:
    """`everysec`: a write is acknowledged when the server has taken it."""

    def write(self, client: Redis, tag: str, *command: Any) -> Any:
        """Send a command that writes keys of a hash tag; returns its answer."""
        return client.execute_command(*command)

    def check(self, client: Redis) -> None:
        """Raise DurabilityError if the server cannot keep the promise."""


class OnDisk:
    """`strict`: a write is acknowledged when the server's append-only file has it on disk.

    wait_s: longest wait for the disk; shorter than the connection's own timeout.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_ms = max(1, round(wait_s * 1000))

    def write(self, client: Redis, tag: str, *command: Any) -> Any:
        """As above; raises DurabilityError if the disk is not known to have it in time."""
        # WAITAOF waits for the last write of its own connection. A repeat of a command that had
        # its effect writes nothing; the mark does, and is on disk no sooner than what was before.
        together = client.pipeline(transaction=False)
        together.execute_command(*command)
        together.set(f"fs:{{{tag}}}:mark", b"", px=1)
        together.execute_command("WAITAOF", 1, 0, self._wait_ms)
        answer, mark, synced = together.execute(raise_on_error=False)
        for failure in (answer, mark):
            if isinstance(failure, Exception):
                raise failure
        self._judge(client, synced)
        return answer

    def check(self, client: Redis) -> None:
        """As above."""
        together = client.pipeline(transaction=False)
        together.execute_command("WAITAOF", 1, 0, self._wait_ms)
        (synced,) = together.execute(raise_on_error=False)
        self._judge(client, synced)

    def _judge(self, client: Redis, synced: Any) -> None:
        if isinstance(synced, ResponseError) and _UNKNOWN in str(synced).lower():
            self._check_always(client)
        elif isinstance(synced, ResponseError):
            raise DurabilityError(
                f'store.durability "strict" needs a server that appends to a file: {synced}; set '
                'appendonly yes there, or store.durability to "everysec"'
            )
        elif isinstance(synced, Exception):
            raise synced
        elif int(synced[0]) < 1:
            raise DurabilityError(
                "the server took the write, but did not tell within "
                f"{self._wait_ms / 1000:g} s that it is on disk; it is sent again"
            )

    def _check_always(self, client: Redis) -> None:
        """A server without WAITAOF answers a write when it is on disk, if it is set up so."""
        try:
            found: Any = client.config_get("append*")
        except (NoPermissionError, ResponseError) as error:
            raise DurabilityError(
                f'store.durability "strict" cannot be checked: the server has no WAITAOF and does '
                f"not tell its settings ({error}); use Valkey or Redis ≥ 7.2, let the user run "
                'CONFIG GET, or set store.durability to "everysec"'
            ) from error
        if found.get("appendonly") != "yes" or found.get("appendfsync") != "always":
            raise DurabilityError(
                'store.durability "strict" needs WAITAOF (Valkey, Redis ≥ 7.2) or a server with '
                "appendonly yes and appendfsync always; this one has appendonly "
                f"{found.get('appendonly')} and appendfsync {found.get('appendfsync')}"
            )
