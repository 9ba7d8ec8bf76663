"""From a URL to a store."""

from flashstream.errors import SettingError
from flashstream.memory_store.local import LocalStore
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Durability, Store


def open_store(url: str, durability: Durability = "everysec") -> Store:
    """The store at a Redis URL (see `redis_url`) or memory:// (a new one, in this process).

    Connects at the first use; `ping` also tells whether the server can be as durable as asked.
    Raises SettingError for any other URL, without its secrets.
    """
    if not url.startswith("memory://"):
        return RedisStore(url, durability)
    if durability == "strict":
        raise SettingError(
            'store.durability "strict" needs a Redis or Valkey; memory:// keeps nothing'
        )
    return LocalStore()
