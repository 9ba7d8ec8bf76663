import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flashstream.cli.main import app
from flashstream.config import Settings
from flashstream.errors import BenchmarkDataError, SettingError
from flashstream.evals.world.exam import report
from flashstream.evals.world.exam.plot import plot
from flashstream.evals.world.exam.run import Options
from flashstream.models.family import Progress

ROOT = Path(__file__).parents[4]


@pytest.fixture
def result() -> dict[str, Any]:
    def shares(share: float) -> dict[str, Any]:
        return {"kind": {"now": share, "when": share / 2}, "horizon": {"1h": share / 2}}

    names = {"ours": 0.75, "fifo": 0.5, "papers": 0.25, "blind": 0.125}
    return {
        "split": "test",
        "seed": 0,
        "overall": names,
        "interval": {name: [share - 0.1, share + 0.1] for name, share in names.items()},
        **shares(0.75),
        "questions": 8,
        "by_policy": {name: shares(share) for name, share in names.items()},
        "difference": {
            name: {"share": 0.75 - share, "interval": [0.65 - share, 0.85 - share]}
            for name, share in names.items()
            if name != "ours"
        },
        "chance": {"overall": 0.3, **shares(0.3)},
        "asked": {"kind": {"now": 5, "when": 3}, "horizon": {"1h": 3}},
        "tokens": {"ours": 600, "fifo": 600, "papers": 600, "blind": 0},
        "rows": 177,
        "model": {"family": "demo", "encoder": "ab", "files": "demo-12"},
        "machine": {"cpu": "x86_64", "cores": 2, "memory_gib": 23.5},
        "worlds": [
            {
                "name": "test-1",
                "length_s": 600.0,
                "fps": 0.5,
                "frames": 300,
                "visits": 14,
                "questions": 8,
            }
        ],
        "seconds": {"watching": 60.0, "asking": 90.0},
        "items": [{"question": "What is there?", "said": {"ours": "Ein Säugetier."}}],
    }


def test_tables_say_what_the_result_says(result: dict[str, Any]) -> None:
    overall = report.markdown(report.overall(result)).splitlines()
    assert overall[0] == "| memory | right | 95 % interval | ours has more | tokens |"
    assert overall[2] == "| ours | 75.0 % | 65.0 to 85.0 |  | 600 |"
    assert overall[3] == "| newest frames | 50.0 % | 40.0 to 60.0 | +25.0 (15.0 to 35.0) | 600 |"
    assert overall[4].startswith("| ours, papers | 25.0 % |")
    assert overall[-1] == "| chance | 30.0 % |  |  |  |"
    kinds = report.by(result, "kind")
    assert kinds[0] == [
        "kind",
        "ours",
        "newest frames",
        "ours, papers",
        "no memory",
        "chance",
        "questions",
    ]
    assert kinds[2] == ["when", "37.5 %", "25.0 %", "12.5 %", "6.2 %", "15.0 %", "3"]
    assert report.by(result, "horizon")[1][0] == "1h"
    assert report.worlds(result)[1] == ["test-1", "0.167", "0.5", "300", "14", "8"]
    assert "2.5 minutes" in report.facts(result)[-1][1]


def test_a_page_s_tables_are_made_anew_and_nothing_else(result: dict[str, Any]) -> None:
    page = "# Page\n<!-- exam:kind -->\nold\n\nrows\n<!-- end -->\nprose <!-- end -->\n"
    page += "<!-- exam:overall -->\n<!-- end -->\n"
    made = report.filled(page, result)
    assert made.startswith("# Page\n<!-- exam:kind -->\n| kind |")
    assert "<!-- end -->\nprose <!-- end -->\n<!-- exam:overall -->\n| memory |" in made
    assert "old" not in made
    assert report.filled(made, result) == made
    with pytest.raises(BenchmarkDataError, match="'kinds'"):
        report.filled(page.replace("exam:kind ", "exam:kinds "), result)
    with pytest.raises(BenchmarkDataError, match="no place"):
        report.filled("# Page", result)


def test_a_result_is_kept_a_question_a_line(result: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    report.write(path, result)
    assert report.read(path) == result
    assert [line for line in path.read_text().splitlines() if "Säugetier" in line] == [
        '    {"question": "What is there?", "said": {"ours": "Ein Säugetier."}}'
    ]
    assert [each.name for each in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("text", ["[1]", "{", '{"overall": {}}'])
def test_what_is_no_result_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(BenchmarkDataError, match=r"result\.json"):
        report.read(path)
    with pytest.raises(BenchmarkDataError, match="absent"):
        report.read(tmp_path / "absent.json")


def test_equal_results_are_drawn_alike(result: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plot(result, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    result["by_policy"]["fifo"]["horizon"]["1h"] = 0.9
    plot(result, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() != (tmp_path / "two.svg").read_bytes()
    with pytest.raises(SettingError, match=r"\.pdf"):
        plot(result, tmp_path / "one.pdf")


def test_the_committed_page_and_figure_are_of_the_committed_result(tmp_path: Path) -> None:
    found = report.read(ROOT / "docs/results/world.json")
    page = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    assert report.filled(page, found) == page
    for name in report.TABLES:
        assert f"<!-- exam:{name} -->" in page
    assert "(figures/world.svg)" in page
    assert (ROOT / "docs/figures/world.svg").stat().st_size > 10_000


def test_a_report_is_made_by_a_command(result: dict[str, Any], tmp_path: Path) -> None:
    path, page, figure = (tmp_path / name for name in ("r.json", "page.md", "f.svg"))
    report.write(path, result)
    page.write_text("<!-- exam:overall -->\n<!-- end -->\n")
    command = ["eval", "world-report", str(path), "--page", str(page), "--plot", str(figure)]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert "| ours | 75.0 % |" in page.read_text()
    assert figure.exists()


def test_the_command_writes_draws_and_tells(
    result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Options] = []

    def run(options: Options, settings: Settings, report: Progress) -> dict[str, Any]:
        asked.append(options)
        return result

    monkeypatch.setattr("flashstream.evals.world.exam.run.run", run)
    command = ["eval", "world", "--split", "dev", "--policies", "ours, fifo", "--of-each", "2"]
    command += ["--json", str(tmp_path / "r.json"), "--plot", str(tmp_path / "f.svg")]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert asked == [Options("dev", ["ours", "fifo"], of_each=2)]
    assert report.read(tmp_path / "r.json") == result
    assert (tmp_path / "f.svg").exists()
    told = json.loads(done.stdout)
    assert told == {name: value for name, value in result.items() if name != "items"}
    assert "newest frames" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--json", "absent/r.json"], "no folder"),
        (["--plot", "f.pdf"], "endings"),
        (["--split", "exam"], "there is no split"),
        (["--policies", "ours,lifo"], "'lifo'"),
        (["--policies", "fifo"], "'ours'"),
        (["--of-each", "0"], "1 or more"),
        (["--workers", "0"], "1 or more"),
        (["--set", "model=none"], "no model family"),
        (["--set", "memory.detail=all"], "detail"),
    ],
)
def test_bad_input_is_refused_at_the_door(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["eval", "world", *arguments])
    assert done.exit_code != 0
    assert told in str(getattr(done.exception, "message", done.exception))
