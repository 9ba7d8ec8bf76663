"""FFmpeg's errors in the words of this project, without the address's credentials."""

import socket
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import urlopen

import av.error

from flashstream.errors import (
    EmptySourceError,
    NotVideoError,
    SourceError,
    UnreachableSourceError,
)
from flashstream.video.url import SourceUrl

ACCEPTED = "accepted: video that FFmpeg reads (MP4, Matroska, MPEG-TS, AVI, …)"
_DIAGNOSIS_S = 3.0


def source_error(
    exc: Exception, url: SourceUrl, *, elapsed_s: float, timeout_s: float
) -> SourceError:
    """What an error of FFmpeg means for the person who gave the address.

    elapsed_s: how long the failed call took; timeout_s: how long it was given. FFmpeg reports a
    time-out of RTSP as invalid data, so only the time tells them apart.
    """
    where = url.display
    if _timed_out(exc) or (url.path is None and elapsed_s >= 0.95 * timeout_s):
        return UnreachableSourceError(
            f"{where} did not answer within {timeout_s:g} s.", timeout_s=timeout_s
        )
    if isinstance(exc, av.error.HTTPUnauthorizedError):
        return UnreachableSourceError(
            f"{where} answered 401: a user name and password are missing or wrong.", answer=401
        )
    if isinstance(exc, av.error.HTTPForbiddenError):
        return UnreachableSourceError(f"{where} answered 403: access is forbidden.", answer=403)
    if isinstance(exc, av.error.HTTPNotFoundError):
        return UnreachableSourceError(f"{where} answered 404: nothing is at that path.", answer=404)
    if isinstance(exc, av.error.HTTPError | av.error.HTTPClientError):
        return UnreachableSourceError(f"{where} answered with an error: {_reason(exc)}.")
    if isinstance(exc, ConnectionRefusedError):
        return UnreachableSourceError(f"{where} refused the connection: nothing listens there.")
    if isinstance(exc, av.error.InvalidDataError | av.error.ArgumentError | av.error.EOFError):
        return _not_video(url)
    if url.host is not None and _unknown_host(url.host, url.port):
        return UnreachableSourceError(f"The host name {url.host} is not known.", host=url.host)
    return UnreachableSourceError(f"{where} cannot be read: {_reason(exc)}.")


def _timed_out(exc: Exception) -> bool:
    return isinstance(exc, av.error.ExitError | TimeoutError)


def _reason(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or type(exc).__name__


def _not_video(url: SourceUrl) -> SourceError:
    if url.rtsp:
        return UnreachableSourceError(
            f"{url.display} closed the connection or does not speak RTSP over TCP."
        )
    if url.scheme in ("http", "https") and _empty_body(url):
        return EmptySourceError(f"{url.display} answered with no bytes.")
    return NotVideoError(f"{url.display} is in no video format that is known; {ACCEPTED}.")


def _empty_body(url: SourceUrl) -> bool:
    if "@" in urlsplit(url.open_as).netloc:
        return False  # urllib takes no credentials in an address
    try:
        with urlopen(url.open_as, timeout=_DIAGNOSIS_S) as answer:
            return not answer.read(1)
    except (OSError, HTTPException, ValueError):
        return False


def _unknown_host(host: str, port: int | None) -> bool:
    try:
        socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return True
    return False
