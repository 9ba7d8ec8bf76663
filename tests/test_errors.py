"""Errors keep their code, status and details across processes."""

import pickle

import pytest

from flashstream import errors


def every_error() -> list[type[errors.FlashstreamError]]:
    found = [errors.FlashstreamError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__ == errors.__name__]


def test_codes_are_unique_and_statuses_are_errors() -> None:
    codes = [kind.code for kind in every_error() if kind is not errors.FlashstreamError]
    assert len(set(codes)) == len(codes)
    assert all(400 <= kind.status < 600 for kind in every_error())


@pytest.mark.parametrize("kind", every_error())
def test_an_error_survives_pickling(kind: type[errors.FlashstreamError]) -> None:
    again = pickle.loads(pickle.dumps(kind("what was wrong", key=1)))
    assert type(again) is kind
    assert again.body() == {
        "error": {"code": kind.code, "message": "what was wrong", "details": {"key": 1}}
    }
