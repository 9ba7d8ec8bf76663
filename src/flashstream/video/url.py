"""Where a video comes from: one address, checked, and shown without its secrets."""

import os.path
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from flashstream.errors import MalformedUrlError, UnsupportedUrlError
from flashstream.video.masking import MARK, masked, redacted, unmasked
from flashstream.video.secrets import SecretReference, Secrets

NETWORK_SCHEMES = ("rtsp", "rtsps", "http", "https")
MAX_LENGTH = 2048
ACCEPTED = "rtsp://, rtsps://, http://, https://, file:// and paths of files"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[^\s/?#@\\<>\"^`{|}]+")


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """A checked address.

    scheme: "file" for paths too, else one of `NETWORK_SCHEMES`.
    display: for people, messages and logs; credentials are replaced by "***", secret references
        are shown.
    open_as: what FFmpeg opens; may hold credentials, and is therefore left out of `repr`. Names
        the `secrets` until it is `resolved`.
    path: absolute path of a file, None for a network address.
    host, port: of a network address; port is None where the scheme's own is meant.
    """

    scheme: str
    display: str
    open_as: str = field(repr=False)
    path: Path | None = None
    host: str | None = None
    port: int | None = None
    secrets: tuple[SecretReference, ...] = ()

    def resolved(self, secrets: Secrets) -> "SourceUrl":
        """The address with the secrets' values, percent-encoded, in place of their references.

        A reference that stands alone before the "@" holds "user:password".
        Raises SecretReferenceError.
        """
        if not self.secrets:
            return self
        text, references = masked(self.open_as)
        values = [secrets.value(reference) for reference in references]
        encoded = [quote(value, safe="") for value in values]
        alone = MARK.fullmatch(urlsplit(text).netloc.rpartition("@")[0])
        if alone:
            user, colon, password = values[int(alone[1])].partition(":")
            encoded[int(alone[1])] = quote(user, safe="") + colon + quote(password, safe="")
        opened = MARK.sub(lambda mark: encoded[int(mark[1])], text)
        return replace(self, open_as=opened, secrets=())

    @property
    def rtsp(self) -> bool:
        """A camera's protocol: always live, never played again from the start."""
        return self.scheme in ("rtsp", "rtsps")


def parse_source(url: str) -> SourceUrl:
    """Check the address of a video and split it into what is opened and what may be shown.

    A path may be absolute or relative to the current folder; it becomes absolute here, so that
    another process can open it.

    Raises MalformedUrlError (empty, too long, control characters, no host, bad port) or
    UnsupportedUrlError (a scheme that is not read); each names what is accepted.
    """
    if not url.strip():
        raise MalformedUrlError(f"The address of the video is empty; accepted: {ACCEPTED}.")
    if len(url) > MAX_LENGTH:
        raise MalformedUrlError(
            f"The address of the video has {len(url)} characters; accepted: at most {MAX_LENGTH}.",
            length=len(url),
            max_length=MAX_LENGTH,
        )
    if any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF for c in url):
        raise MalformedUrlError(
            "The address of the video has control characters (such as a line break); "
            "percent-encode them or leave them out."
        )
    found = _SCHEME.match(url)
    if found is None:
        return _file(url)
    scheme = found.group(1).lower()
    if scheme == "file":
        return _file(_path_of_file_url(url))
    if scheme not in NETWORK_SCHEMES:
        raise UnsupportedUrlError(
            f"The scheme {scheme!r} is not read; accepted: {ACCEPTED}.",
            scheme=scheme,
            accepted=[*NETWORK_SCHEMES, "file"],
        )
    return _network(url, scheme)


def _file(path: str) -> SourceUrl:
    absolute = os.path.abspath(path)
    # "file:" in front keeps FFmpeg from reading a colon in a name as one of its protocols.
    return SourceUrl("file", absolute, f"file:{absolute}", path=Path(absolute))


def _path_of_file_url(url: str) -> str:
    rest = url[len("file:") :]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost"):
            raise MalformedUrlError(
                f"A file:// address names no host, but this one names {host!r}; "
                "accepted: file:///absolute/path."
            )
        rest = slash + path
    path = unquote(rest)
    if not path.startswith("/") or "\x00" in path:
        raise MalformedUrlError(
            "A file:// address holds an absolute path; accepted: file:///absolute/path."
        )
    return path


def _network(url: str, scheme: str) -> SourceUrl:
    example = f"{scheme}://host[:port]/path"
    url, references = masked(url)
    if "${" in url:
        raise MalformedUrlError(
            "'${' begins the reference of a secret, and this one cannot be read; accepted: "
            "${env:NAME} and ${file:/path} (a literal '${' is written %24%7B)."
        )
    if any(c.isspace() for c in url):
        raise MalformedUrlError(
            f"The address has a space in it; write it as %20. Accepted: {example}."
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise MalformedUrlError(
            f"The host of the {scheme} address cannot be read; accepted: {example}."
        ) from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if MARK.search(parts.netloc.rpartition("@")[2]):
        raise MalformedUrlError(
            "A secret reference stands where the host or port belongs; accepted in the user name, "
            "the password, the path and the query."
        )
    if not host or not _HOST.fullmatch(host):
        raise MalformedUrlError(f"The {scheme} address names no host; accepted: {example}.")
    if port == 0 or parts.netloc.endswith(":"):
        # The address is not repeated: what stands where a port should may be a password.
        raise MalformedUrlError(
            f"The port of the {scheme} address is none; accepted: {example} with a port from 1 to "
            "65535 (and '/', '#', '?', '@' in a password percent-encoded)."
        )
    open_as = urlunsplit((scheme, parts.netloc, parts.path, parts.query, ""))
    return SourceUrl(
        scheme,
        unmasked(redacted(parts), references),
        unmasked(open_as, references),
        host=host,
        port=port,
        secrets=tuple(references[int(mark)] for mark in MARK.findall(open_as)),
    )
