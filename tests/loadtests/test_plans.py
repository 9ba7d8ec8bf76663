"""What load tests are asked for, checked before anything is started."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from flashstream.config import load, parsed
from flashstream.errors import InvalidRequestError, MissingPackageError, SettingError
from flashstream.loadtests import fleet_bench, packing, soak
from flashstream.loadtests.chaos.run import Plan, run, usual


def test_the_usual_plan_makes_all_kinds_of_faults_and_enough_of_them() -> None:
    plan = usual()
    assert sum(plan.kinds.values()) >= 60
    assert {"actor_killed", "node_killed", "store_killed", "network_cut", "old_owner"} <= set(
        plan.kinds
    )


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match=r"flood; accepted: actor_killed, "):
        Plan({"actor_killed": 1, "flood": 2})


def test_a_clock_that_cannot_be_set_is_said_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flashstream.loadtests.chaos.nodes._faketime", lambda: None)
    with pytest.raises(MissingPackageError, match="apt-get install faketime"):
        run([], lambda _what, _share: None, Plan({"clock_stepped": 1}))


@pytest.mark.parametrize("numbers", [[], [8, 8], [16, 8]])
def test_numbers_of_cameras_rise(numbers: list[int]) -> None:
    with pytest.raises(InvalidRequestError, match="rise"):
        fleet_bench.Sizes(cameras=numbers)


@pytest.mark.parametrize("minutes", [0.0, 1.9])
def test_a_soak_too_short_for_a_trend_is_refused(minutes: float) -> None:
    with pytest.raises(InvalidRequestError, match="2 minutes or more"):
        soak.run(minutes, [], lambda _what, _share: None)


@pytest.mark.parametrize("more", [{"per_process": [1]}, {"per_process": [0, 2]}, {"cameras": 0}])
def test_packing_compares_two_ways(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="two ways"):
        packing.Fleet(**more)


def test_what_is_said_counts_before_the_fleet_benchs_own_settings() -> None:
    own = load(None, parsed(fleet_bench.PACKED), {})
    assert own.streams.per_process == 16
    said = load(None, parsed([*fleet_bench.PACKED, "streams.per_process=2"]), {})
    assert said.streams.per_process == 2
    assert said.memory == own.memory


@pytest.mark.parametrize("load_test", [partial(soak.run, 30), fleet_bench.run, packing.run, run])
@pytest.mark.parametrize("said", ["ray.address=10.0.0.1:6379", "store.redis_url=redis://a/0"])
def test_a_load_test_runs_on_nothing_but_its_own(load_test: Callable[..., Any], said: str) -> None:
    with pytest.raises(SettingError, match=said.partition("=")[0]):
        load_test([said], lambda _what, _share: None)


def test_nor_on_what_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHSTREAM_STORE__REDIS_URL", "redis://a/0")
    with pytest.raises(SettingError, match=r"store\.redis_url"):
        packing.run([], lambda _what, _share: None)
