"""How two processes can share the tests, and what the load of another must not change.

`pytest -n 2 --dist loadgroup --no-loadscope-reorder` has two; `make test` is one.
"""

import hypothesis
import pytest

# An example that was slow because the other process was busy is no failure. On top of the profile
# for CI, where Hypothesis has chosen that.
hypothesis.settings.register_profile("shared", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("shared")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay in one process, for its fixtures; those of `e2e/` do all together, for
    they have one platform, and are begun first, for they take longest."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group("e2e" if folder == "e2e" else item.path.stem))
    items.sort(key=lambda item: item.path.parent.name != "e2e")
