"""How two processes share the tests, and what the load of another must not change."""

from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

# An example that was slow because the other process was busy is no failure. On top of the profile
# for CI, where Hypothesis has chosen that.
hypothesis.settings.register_profile("shared", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("shared")

E2E = "tests/e2e/"
CONVERTED = ("tests/models/test_convert.py", "tests/models/test_grounder.py")


class ByFixtures(LoadFileScheduling):  # type: ignore[misc]  # untyped
    """A file's tests stay in one process, for its fixtures; those of `e2e/` do all together, for
    they have one platform, and those that want the demo model converted, which takes 20 s."""

    def _split_scope(self, nodeid: str) -> str:
        for together in (E2E, CONVERTED):
            if nodeid.startswith(together):
                return str(together)
        return str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFixtures:
    return ByFixtures(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that take longest are begun first."""
    items.sort(key=lambda item: not item.nodeid.startswith(E2E))
