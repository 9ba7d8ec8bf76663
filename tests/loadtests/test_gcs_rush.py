"""A rush on Ray's GCS wants one (with one: `tests/test_ray_head.py`)."""

import psutil
import pytest

from flashstream.errors import NotReadyError
from flashstream.loadtests.gcs_rush import gcs_rush


def test_without_a_raylet_it_is_refused() -> None:
    refused = pytest.raises(NotReadyError, match="none of the processes is a raylet")
    with refused, gcs_rush([psutil.Process()]):
        pass
