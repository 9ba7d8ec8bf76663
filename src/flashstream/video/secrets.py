"""Secrets that an address names and does not hold: `${env:NAME}` and `${file:/path}`.

What is stored, shown and sent between processes is the reference. Its value is looked up in the
process that opens the camera, each time it is opened, so a changed secret is used from the next
connection on. This is the one place besides the settings that reads the environment.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flashstream.errors import SecretReferenceError

ENV_PREFIX = "FLASHSTREAM_SECRET_"
DIRS = (Path("/run/secrets"), Path("/var/run/secrets"))
REFERENCE = re.compile(r"\$\{(env|file):([^${}]+)\}")
_LONGEST = 4096
# The cluster's own keys lie below the default folders; no camera needs them.
_NEVER = "kubernetes.io"


@dataclass(frozen=True, slots=True)
class SecretReference:
    """kind: "env" or "file"; name: of the variable, or the file's path."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"${{{self.kind}:{self.name}}}"


class Secrets:
    """Looks up secrets, and only those that addresses may name.

    Whoever may add a camera chooses the host that its password is sent to; so nothing may be
    named but what was put there for cameras.
    """

    def __init__(
        self,
        dirs: Sequence[Path] = DIRS,
        env_prefix: str | None = ENV_PREFIX,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """dirs: folders whose files may be named. env_prefix: how names of variables begin; None
        allows none.

        environ: where variables are looked up; None is this process's environment.
        """
        if env_prefix == "":
            raise ValueError("env_prefix is empty: every variable could be named")
        self._dirs = tuple(dirs)
        self._prefix = env_prefix
        self._environ = os.environ if environ is None else environ

    @property
    def accepted(self) -> str:
        """What may be named, for people."""
        kinds = [] if self._prefix is None else [f"${{env:{self._prefix}…}}"]
        if self._dirs:
            kinds.append(f"${{file:…}} below {', '.join(map(str, self._dirs))}")
        return " and ".join(kinds) or "no secret here"

    def check(self, references: Iterable[SecretReference]) -> None:
        """Raise SecretReferenceError if one of these may not be named; looks up no value."""
        for reference in references:
            if reference.kind == "env":
                allowed = self._prefix is not None and reference.name.startswith(self._prefix)
            else:
                allowed = self._within(reference.name)
            if not allowed:
                raise self._refused(reference, "may not be named in an address")

    def value(self, reference: SecretReference) -> str:
        """The secret itself; SecretReferenceError if it may not be named, is missing or unfit."""
        self.check([reference])
        if reference.kind == "env":
            value = self._environ.get(reference.name)
            if value is None:
                raise self._refused(reference, "is not set where the camera is opened")
        else:
            value = self._read(reference)
        if not value or len(value.splitlines()) != 1:
            raise self._refused(reference, "is empty or has more than one line")
        return value

    def _within(self, name: str) -> bool:
        """Whether the path is below an allowed folder, as written and with links followed."""
        if not name.startswith("/") or ".." in Path(name).parts:
            return False
        real = Path(os.path.realpath(name))
        if _NEVER in (*Path(name).parts, *real.parts):
            return False
        return any(
            Path(name).is_relative_to(folder) and real.is_relative_to(os.path.realpath(folder))
            for folder in self._dirs
        )

    def _read(self, reference: SecretReference) -> str:
        try:
            # Not to wait for a writer, should it be a pipe.
            handle = os.open(os.path.realpath(reference.name), os.O_RDONLY | os.O_NONBLOCK)
            with open(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise self._refused(reference, "is no regular file")
                data = file.read(_LONGEST + 1)
        except OSError as exc:
            raise self._refused(reference, f"cannot be read ({exc.strerror})") from None
        if len(data) > _LONGEST:
            raise self._refused(reference, f"has more than {_LONGEST} bytes")
        try:
            return data.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise self._refused(reference, "is no text in UTF-8") from None

    def _refused(self, reference: SecretReference, why: str) -> SecretReferenceError:
        return SecretReferenceError(
            f"The secret {reference} {why}; accepted: {self.accepted}.", reference=str(reference)
        )


NO_SECRETS = Secrets((), None)
"""Accepts no reference: the address must hold what it needs."""
