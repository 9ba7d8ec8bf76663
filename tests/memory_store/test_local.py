"""What only the store in process can be asked, its clock being the test's."""

from flashstream.memory_store.local import LocalStore


def test_pictures_end() -> None:
    now = [100.0]
    store = LocalStore(clock=lambda: now[0])
    store.put_picture("yard", "abc", b"jpeg", 60)
    now[0] = 159.9
    assert store.picture("yard", "abc") == b"jpeg"
    now[0] = 160.0
    assert store.picture("yard", "abc") is None
