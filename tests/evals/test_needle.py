import json
from dataclasses import replace
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from flashstream.cli.main import app
from flashstream.errors import MissingPackageError, SettingError
from flashstream.evals.needle import trial
from flashstream.evals.needle.plot import check, plot
from flashstream.evals.needle.recall import threshold, wilson
from flashstream.evals.needle.run import BASELINES, WARD, run, tasks
from flashstream.evals.needle.stream import Haystack, NeedleStream
from flashstream.evals.needle.subjects import StarSubject, subject
from flashstream.evals.needle.trial import Finding, Task, Trial, run_trial
from flashstream.evals.needle.visible import EventFilter
from flashstream.memory_store.detail import POLICIES
from flashstream.memory_store.pooling import pool
from flashstream.memory_store.star import StarConfig

SHORT = Haystack(frames=600)


def silent(_what: str, _share: float) -> None: ...


def found(result: Trial, detail: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.detail == detail]


# --- the stream --------------------------------------------------------------------------------


def test_strength_is_in_units_of_the_frame_to_frame_noise() -> None:
    still = replace(SHORT, light=0.0, walks=0, scenes=0)
    day = NeedleStream(still, 3, 0.5).day().astype(np.float64)
    steps = np.linalg.norm(np.diff(day, axis=0), axis=-1)
    assert sqrt((steps**2).mean()) == pytest.approx(1.0, rel=0.01)


def test_the_slow_background_adds_little_from_frame_to_frame() -> None:
    day = NeedleStream(replace(Haystack(frames=3600), scenes=0), 3, 0.5).day().astype(np.float64)
    steps = np.linalg.norm(np.diff(day, axis=0), axis=-1)
    assert sqrt((steps**2).mean()) == pytest.approx(1.0, rel=0.02)
    # … but the day is far from still.
    assert np.linalg.norm(day[1800] - day[0], axis=-1).mean() > 4


def test_the_event_is_a_few_patches_for_a_few_frames() -> None:
    stream = NeedleStream(SHORT, 5, 0.5)
    lengths = np.linalg.norm(stream.needle, axis=-1)
    rows, columns = np.nonzero(lengths)
    assert np.allclose(lengths[rows, columns], 1.0, atol=1e-6)
    assert len(rows) == 4
    assert np.ptp(rows) == np.ptp(columns) == 1
    day = stream.day()
    begin, end = stream.event
    assert (begin, end) == (300, 305)
    moved = stream.with_event(day, 7.0).astype(np.float32) - day[begin:end].astype(np.float32)
    assert np.allclose(moved, 7 * stream.needle, atol=0.02)  # float16 has 11 bits


def test_a_day_is_its_background_and_noise_and_nothing_else() -> None:
    stream = NeedleStream(SHORT, 5, 0.5)
    left = stream.day().astype(np.float32) - stream.background(0, 600)
    assert left.mean() == pytest.approx(0, abs=1e-3)
    assert left.std() == pytest.approx(0.25, rel=0.01)  # 1/√(2·8)


def test_equal_seeds_give_equal_days_and_others_do_not() -> None:
    one, same, other = (NeedleStream(SHORT, seed, 0.3).day() for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other, atol=1)


def test_places_sweep_the_day() -> None:
    starts = [NeedleStream(SHORT, 0, place).event[0] for place in (0.0, 0.5, 0.999)]
    assert starts == [30, 300, 569]
    for days in (1, 4, 12):
        places = sorted(task.place for task in tasks(SHORT, days, (1.0,))[:days])
        gaps = np.diff([0.0, *places, 1.0])
        assert gaps.max() <= 2 / (days + 1)
    assert tasks(SHORT, 2, (1.0,))[0] == tasks(SHORT, 1, (1.0,))[0]


# --- what shows the event ----------------------------------------------------------------------


@pytest.mark.parametrize("grid", [4, 8])
def test_the_share_is_that_of_the_events_frames_in_a_mixture(grid: int) -> None:
    stream = NeedleStream(SHORT, 2, 0.5)
    filtered = EventFilter(stream, grid)
    background = stream.background(0, 600)
    for share in (0.0, 0.2, 0.5, 1.0):
        # Frames of any hour, whatever is in them, and the event in a part of them.
        mixture = background[::37].mean(axis=0) + share * 6.0 * stream.needle
        entry = pool(mixture.astype(np.float32), grid)[np.newaxis]
        assert filtered.shares(entry, 6.0)[0] == pytest.approx(share, abs=1e-4)


def test_another_light_or_a_scene_is_not_taken_for_the_event() -> None:
    stream = NeedleStream(SHORT, 2, 0.5)
    filtered = EventFilter(stream, 4)
    entries = np.stack([pool(stream.still + 9 * mode, 4) for mode in stream.modes])
    assert np.abs(filtered.shares(entries, 1.0)).max() < 1e-4


def test_noise_alone_seldom_shows_an_event_of_strength_four() -> None:
    stream = NeedleStream(Haystack(frames=3600), 2, 0.5)
    shares = EventFilter(stream, 8).shares(stream.day(), 4.0)
    assert (shares >= 0.5).mean() < 0.001
    assert (EventFilter(stream, 8).shares(stream.with_event(stream.day(), 4.0), 4.0) > 0.5).all()


# --- trials ------------------------------------------------------------------------------------


def test_star_shows_an_obvious_event_in_detail_unless_the_heaviest_are_asked_for() -> None:
    result = run_trial(Task("star", StarConfig(temper=0.5), SHORT, 1, 0.4, (0.5, 16.0)))
    for name in POLICIES:
        faint, obvious = found(result, name)
        assert not faint.detailed
        assert obvious.remembered
        assert obvious.detailed is (name != "heaviest")


def test_a_trial_replays() -> None:
    task = Task("star", StarConfig(temper=0.5, foresight=1), SHORT, 1, 0.4, (2.0, 4.0))
    assert run_trial(task) == run_trial(task)


@pytest.mark.parametrize("name", ["star", "streaming_kmeans", "streaming_kmeans_reset"])
def test_a_fork_that_is_given_up_would_not_have_shown_the_event(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few slots, so that the event is lost on the way.
    config = StarConfig(temporal_slots=6, foresight=16)
    task = Task(name, config, Haystack(frames=900), 4, 0.2, (2.0, 4.0, 12.0, 24.0))
    looks: list[bool] = []

    def recorded(self: Any, *asked: Any) -> bool:
        looks.append(lost(self, *asked))
        return looks[-1]

    kind = type(subject(name, config, task.hay, 0))
    lost = kind.lost
    monkeypatch.setattr(kind, "lost", recorded)
    early = run_trial(task)
    assert any(looks)
    monkeypatch.setattr(kind, "lost", lambda *_: False)
    assert run_trial(task).findings == early.findings


def test_star_is_not_given_up_while_a_slot_of_the_event_lives() -> None:
    stream = NeedleStream(SHORT, 1, 0.1)
    star = StarSubject(StarConfig(temper=0.5), 8, 8)
    day = stream.day()
    begin, end = stream.event
    filtered = EventFilter(stream, 4)
    star.observe(day[:begin])
    assert star.lost((begin, end), filtered, 16.0)
    star.observe(stream.with_event(day, 16.0))
    star.observe(day[end : end + 100])
    assert not star.lost((begin, end), filtered, 16.0)


def test_sampling_sees_the_event_only_where_it_keeps_a_frame() -> None:
    # 42 frames at 4×4 of 600 are one in 14.6; the newest 42 begin at frame 558, the newest 10 at
    # 590.
    config = StarConfig()
    late = Task("fifo", config, SHORT, 1, 0.98, (8.0,))
    begin = NeedleStream(SHORT, 1, 0.98).event[0]
    assert 558 <= begin < 585
    assert found(run_trial(late), "all") == [Finding("all", 8.0, True, False)]
    early = replace(late, place=0.5)
    assert found(run_trial(early), "all") == [Finding("all", 8.0, False, False)]
    # Evenly spread over 0…599 in 41 steps: 292.2 and 306.8, and nothing of 300…304 between them.
    assert not found(run_trial(replace(early, subject="uniform")), "all")[0].remembered
    # The 22nd of 42 is 306.8: frame 307 is of an event that begins at 305.
    hit = replace(early, subject="uniform", place=(305.5 / 600 - 0.05) / 0.9)
    assert NeedleStream(SHORT, 1, hit.place).event == (305, 310)
    assert found(run_trial(hit), "all")[0].remembered


def test_offline_kmeans_gives_a_slot_to_an_event_that_outweighs_all_else() -> None:
    task = Task("offline_kmeans", StarConfig(), SHORT, 1, 0.4, (1.0, 60.0))
    faint, obvious = run_trial(task).findings
    assert not faint.remembered
    assert obvious.remembered


def test_the_gist_is_of_the_slots_that_are_shown() -> None:
    config = StarConfig(temper=0.5)
    gists = run_trial(Task("star", config, SHORT, 1, 0.4, (8.0,))).gists
    by_name = {gist.detail: gist for gist in gists}
    assert set(by_name) == set(POLICIES)
    star = subject("star", config, SHORT, 1)
    day = NeedleStream(SHORT, 1, 0.4).day()
    star.observe(day)
    shown = {each.detail: each for each in star.shown(day)}
    for name, gist in by_name.items():
        assert gist.covered == shown[name].covered
        assert len(shown[name].details) == 3
        assert gist.false_alarms == (False,)
    covered = {name: gist.covered or 0.0 for name, gist in by_name.items()}
    assert covered["heaviest"] == max(covered.values())
    assert covered["rare"] < covered["balanced"]
    assert len({gist.slot_error for gist in gists}) == 1  # the slots are the same


def test_distances_are_per_patch_to_the_nearest_entry() -> None:
    moments = np.zeros((2, 2, 2, 1), np.float32)
    moments[1] += 3
    entries = np.ones((1, 2, 2, 1), np.float32)
    # Each of 4 patches is 1 away in one moment, 2 in the other.
    assert trial._distance(moments, entries) == pytest.approx(sqrt((1 + 4) / 2))


# --- recall ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 8, 0.0, 0.3244), (8, 8, 0.6756, 1.0), (4, 8, 0.2152, 0.7848), (0, 0, 0.0, 1.0)],
)
def test_wilson_intervals(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("recalls", "half"),
    [
        ([0.0, 0.25, 0.75, 1.0], sqrt(2 * 4)),
        ([0.0, 0.5, 1.0, 1.0], 2.0),
        ([0.6, 1.0, 1.0, 1.0], 1.0),
        ([0.0, 1.0, 0.0, 1.0], sqrt(4 * 8)),  # from which on, not at which first
        ([0.0, 0.0, 0.0, 0.25], None),
    ],
)
def test_the_strength_from_which_on_half_is_recalled(
    recalls: list[float], half: float | None
) -> None:
    assert threshold((1.0, 2.0, 4.0, 8.0), recalls) == pytest.approx(half)


# --- all of it ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return run(silent, hay=SHORT, days=1, workers=1)


def test_every_memory_and_baseline_is_in_the_table(result: dict[str, Any]) -> None:
    ways = [
        (row["subject"], row["temper"], row["foresight"], row["saturation"], row["detail"])
        for row in result["table"]
    ]
    star = [
        ("star", temper, foresight, saturation if isfinite(saturation) else None, name)
        for temper, foresight, saturation in WARD
        for name in POLICIES
    ]
    others = [
        (name, None, None, None, "all" if name in ("uniform", "fifo") else "heaviest")
        for name in BASELINES
    ]
    assert ways == star + others
    for row in result["table"]:
        assert row["days"] == 1
        for kind in ("remembered", "detailed"):
            recall = row[kind]
            for low, share, high in zip(
                recall["low"], recall["recall"], recall["high"], strict=True
            ):
                assert 0 <= low <= share <= high <= 1
    best = next(row for row in result["table"] if row["temper"] == 0.5 and row["detail"] == "rare")
    assert best["detailed"]["recall"][0] == 0.0
    assert best["detailed"]["recall"][-1] == 1.0
    assert result["config"]["temporal_slots"] == 25
    assert result["stream"]["frames"] == 600


def test_the_command_writes_the_same_and_draws_it(result: dict[str, Any], tmp_path: Path) -> None:
    written, drawn = tmp_path / "needle.json", tmp_path / "needle.svg"
    arguments = ["--json", str(written), "--plot", str(drawn), "--frames", "600", "--days", "1"]
    ran = CliRunner().invoke(app, ["eval", "needle", *arguments, "--workers", "2"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(written.read_text()) == result
    assert drawn.read_text().startswith("<?xml")


def test_the_drawing_is_the_same_each_time(result: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg", "three.png"):
        plot(result, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "three.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"hay": Haystack(frames=599)}, "frames = 599"),
        ({"days": 0}, "days = 0"),
        ({"strengths": (2.0, 1.0)}, "strengths"),
        ({"strengths": (0.0, 1.0)}, "strengths"),
    ],
)
def test_sizes_that_cannot_be_used_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        run(silent, **wrong)


def test_a_drawing_that_cannot_be_made_is_refused_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingError, match=r"\.svg and \.png"):
        check(tmp_path / "needle.gif")
    with pytest.raises(SettingError, match="there is no folder"):
        check(tmp_path / "nowhere" / "needle.svg")
    monkeypatch.setattr("flashstream.evals.needle.plot.find_spec", lambda _name: None)
    with pytest.raises(MissingPackageError, match="matplotlib"):
        check(tmp_path / "needle.svg")
