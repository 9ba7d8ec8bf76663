"""An exam's result, drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from flashstream.evals.needle.plot import check
from flashstream.evals.world.exam.report import Result, title

# Okabe and Ito's colours, told apart by all kinds of eyes; markers tell them apart in print.
_STYLES: Final = (
    ("#D55E00", "o"),
    ("#0072B2", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#888888", "x"),
    ("#E69F00", "P"),
    ("#56B4E9", "v"),
    ("#000000", "*"),
)
_CHANCE: Final = {"color": "black", "linewidth": 1.0, "linestyle": ":"}


def plot(result: Result, path: Path) -> None:
    """Shares of right answers in all, by horizon and by kind, as .svg or .png; equal results give
    equal files.

    Raises `MissingPackageError`, or `SettingError` for a path that cannot be drawn to.
    """
    check(path)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(11.0, 7.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplot_mosaic([["overall", "horizon"], ["kind", "kind"]])
    _overall(panels["overall"], result)
    handles = _horizon(panels["horizon"], result)
    _kind(panels["kind"], result)
    for axis in panels.values():
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        axis.set_ylim(0, 1.02)
        axis.grid(axis="y", alpha=0.25)
        axis.set_axisbelow(True)
    figure.supylabel("right answers", fontsize=11)
    figure.suptitle(
        f"{result['questions']} questions about {len(result['worlds'])} worlds of split "
        f"{result['split']}, asked of memories of one size"
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    with matplotlib.rc_context({"svg.hashsalt": "exam"}):
        figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def _style(place: int) -> tuple[str, str]:
    return _STYLES[place % len(_STYLES)]


def _overall(axis: Any, result: Result) -> None:
    for place, (name, share) in enumerate(result["overall"].items()):
        low, high = result["interval"][name]
        errors = [[share - low], [high - share]]
        axis.bar(place, share, color=_style(place)[0], yerr=errors, capsize=4, width=0.7)
    axis.axhline(result["chance"]["overall"], **_CHANCE)
    names = [title(name).replace(" ", "\n") for name in result["overall"]]
    axis.set_xticks(range(len(names)), names, fontsize=9)
    axis.set_title("All questions (bars: 95 % interval)", fontsize=11)


def _horizon(axis: Any, result: Result) -> list[Any]:
    horizons = list(result["asked"]["horizon"])
    handles = []
    for place, name in enumerate(result["overall"]):
        color, marker = _style(place)
        shares = _shares(result["by_policy"][name]["horizon"], horizons)
        (line,) = axis.plot(horizons, shares, color=color, marker=marker, label=title(name))
        handles.append(line)
    chance = _shares(result["chance"]["horizon"], horizons)
    (line,) = axis.plot(horizons, chance, label="chance", **_CHANCE)
    axis.set_title("By time since the event", fontsize=11)
    return [*handles, line]


def _kind(axis: Any, result: Result) -> None:
    kinds = list(result["asked"]["kind"])
    names = list(result["overall"])
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        at = [number + (place - (len(names) - 1) / 2) * width for number in range(len(kinds))]
        shares = _shares(result["by_policy"][name]["kind"], kinds)
        axis.bar(at, shares, width=width, color=_style(place)[0])
    chance = _shares(result["chance"]["kind"], kinds)
    for number, share in enumerate(chance):
        axis.plot((number - 0.45, number + 0.45), (share, share), **_CHANCE)
    axis.set_xticks(range(len(kinds)), [kind.replace("_", "\n") for kind in kinds], fontsize=9)
    axis.set_title("By kind", fontsize=11)


def _shares(of: dict[str, float], keys: Sequence[str]) -> list[float]:
    return [of[key] for key in keys]
