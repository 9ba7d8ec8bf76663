"""What a store's URL says besides the place: user, password and options, as redis-py names them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
        raise ValueError("true or false is accepted")
    return text.lower() in ("true", "yes", "1")


def _seconds(text: str) -> float:
    if not 0 < float(text) <= 3600:
        raise ValueError("seconds up to 3600 are accepted")
    return float(text)


def _natural(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise ValueError("a whole number is accepted")
    return int(text)


def _there(text: str) -> str:
    if not Path(text).exists():
        raise ValueError("there is no such file")
    return text


def _verification(text: str) -> str:
    if text not in ("required", "optional", "none"):
        raise ValueError("required, optional and none are accepted")
    return text


_OPTIONS: dict[str, Callable[[str], Any]] = {
    "db": _natural,
    "username": str,
    "password": str,
    "socket_timeout": _seconds,
    "socket_connect_timeout": _seconds,
    "socket_keepalive": _switch,
    "health_check_interval": _natural,
    "max_connections": _natural,
}
_TLS_OPTIONS: dict[str, Callable[[str], Any]] = {
    "ssl_ca_certs": _there,
    "ssl_ca_path": _there,
    "ssl_certfile": _there,
    "ssl_keyfile": _there,
    "ssl_password": str,
    "ssl_check_hostname": _switch,
    "ssl_cert_reqs": _verification,
}
_SENTINEL_OPTIONS: dict[str, Callable[[str], Any]] = {
    "sentinel_username": str,
    "sentinel_password": str,
}
SECRETS = ("password", "ssl_password")
"""Options that are never shown."""


def put_credentials(user: str, options: dict[str, Any]) -> None:
    """Put a URL's `user:password` among the options."""
    name, _, password = user.partition(":")
    if name:
        options["username"] = unquote(name)
    if password:
        options["password"] = unquote(password)


def put_query(query: str, options: dict[str, Any], *, tls: bool, sentinels: bool) -> None:
    """Put a URL's query among the options; raises ValueError naming what is wrong with it."""
    known = _OPTIONS | (_TLS_OPTIONS if tls else {}) | (_SENTINEL_OPTIONS if sentinels else {})
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            # Not said which: what stands there may be the rest of a password.
            raise ValueError(f"it has an option that is not known; those are {', '.join(known)}")
        try:
            options[name] = known[name](text)
        except ValueError as error:
            raise ValueError(f"option {name}: {error}") from None


def taken_for_sentinels(options: dict[str, Any]) -> dict[str, Any]:
    """Take the sentinels' own options out; returns all for connections to them."""
    shared = {name: value for name, value in options.items() if name.startswith(("ssl", "socket"))}
    own = {name: options.pop(name) for name in _SENTINEL_OPTIONS if name in options}
    return shared | {name.removeprefix("sentinel_"): value for name, value in own.items()}
