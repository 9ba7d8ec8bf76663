"""From a URL to a store."""

from urllib.parse import urlsplit

from flashstream.errors import SettingError
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.redis import RedisStore, redacted
from flashstream.memory_store.store import Store


def open_store(url: str) -> Store:
    """The store at redis://, rediss://, unix:// or memory:// (a new one, in this process).

    Connects at the first use. Raises SettingError for any other URL.
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:  # the URL itself may hold a password
        raise SettingError(f"store.redis_url is no URL: {error}") from None
    if scheme == "memory":
        return LocalStore()
    if scheme in ("redis", "rediss", "unix"):
        return RedisStore(url)
    raise SettingError(
        f"{redacted(url)} is no store's URL; accepted: redis://, rediss://, unix://, memory://"
    )
