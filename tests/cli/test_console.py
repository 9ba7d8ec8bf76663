"""What long commands print while they work, where there is no terminal."""

import pytest

from flashstream.cli.console import Lines, out, print_json, progress, stdout_for_results


def test_off_a_terminal_each_step_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    lines = Lines(clock=lambda: now)
    for second in range(0, 101):
        now = float(second)
        lines("rendering films", second / 100)
    lines("rendering films", 1.0)
    now = 3723.0
    lines("starting", 0.0)
    assert capsys.readouterr().err.splitlines() == [
        "  0:00    0% rendering films",
        "  0:30   30% rendering films",
        "  1:00   60% rendering films",
        "  1:30   90% rendering films",
        "  1:40  100% rendering films",
        " 62:03    0% starting",
    ]


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_one_prints_nothing(quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with progress(quiet) as report:
        report("starting", 1.0)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert ("100% starting" in printed.err) is not quiet


def test_what_ray_prints_is_not_among_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    from ray._private.worker import print_to_stdstream

    with stdout_for_results():
        print_to_stdstream(
            {"lines": ["A worker died."], "pid": "raylet", "is_err": False}, ignore_prefix=False
        )
        print_json({"url": "http://127.0.0.1:8000"})
    out.print("whole")
    printed = capsys.readouterr()
    assert printed.out == '{\n  "url": "http://127.0.0.1:8000"\n}\nwhole\n'
    assert "A worker died." in printed.err
