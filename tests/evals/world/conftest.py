import pytest

from flashstream.evals.world.pictures import PictureBook


@pytest.fixture(scope="session")
def book() -> PictureBook:
    """Pictures that all worlds of the tests share, so that each is drawn once."""
    return PictureBook()
