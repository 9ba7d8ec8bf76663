import pytest
from support.exam import TinyFamily


@pytest.fixture
def family() -> TinyFamily:
    return TinyFamily()
