"""Recall against strength, drawn."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flashstream.errors import MissingPackageError, SettingError

# Okabe and Ito's colours, told apart by all kinds of eyes; markers tell them apart in print.
_STAR = (
    ("#D55E00", "o"),
    ("#E69F00", "s"),
    ("#0072B2", "^"),
    ("#56B4E9", "D"),
    ("#CC79A7", "P"),
    ("#009E73", "v"),
)
_BASELINES = {
    "streaming_kmeans": ("streaming k-means", "#000000", "x", "--"),
    "streaming_kmeans_reset": ("streaming k-means, weights reset", "#000000", "+", ":"),
    "offline_kmeans": ("k-means++ over the whole day", "#000000", "*", "-."),
    "uniform": ("frames evenly spread", "#888888", "1", "--"),
    "fifo": ("newest frames", "#888888", "2", ":"),
}
_DODGE = 1.012  # lines of equal recall lie beside each other


def check(path: Path) -> None:
    """Whether `plot` could draw there: asked before the work, not after.

    Raises MissingPackageError without matplotlib, SettingError for a folder that is not there or
    an ending other than .svg and .png.
    """
    if find_spec("matplotlib") is None:
        raise MissingPackageError("plots want matplotlib: pip install 'flashstream[evals]'")
    if path.suffix not in (".svg", ".png"):
        raise SettingError(f"--plot {path}: accepted endings are .svg and .png")
    if not path.parent.is_dir():
        raise SettingError(f"--plot {path}: there is no folder {path.parent}")


def plot(result: dict[str, Any], path: Path) -> None:
    """Draw what `run` returned, as .svg or .png; equal results give equal files.

    Raises what `check` raises.
    """
    check(path)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    table: list[dict[str, Any]] = result["table"]
    details = list(dict.fromkeys(row["detail"] for row in table if row["subject"] == "star"))
    panels = [("An entry shows it", "remembered", details[0])]
    panels += [(f'Its frame in detail: "{name}"', "detailed", name) for name in details]
    columns = (len(panels) + 1) // 2
    figure = Figure(figsize=(4.0 * columns, 7.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, columns, sharex=True, sharey=True, squeeze=False).ravel()
    handles: dict[str, Any] = {}
    for axis, (title, kind, detail) in zip(axes, panels, strict=False):
        for place, line in enumerate(_lines(table, kind, detail)):
            label = line.pop("label")
            at = [strength * _DODGE ** (place - 5) for strength in result["strengths"]]
            handles.setdefault(label, _draw(axis, at, **line))
        axis.set_title(title, fontsize=11)
        axis.set_xscale("log", base=2)
        axis.set_xticks(result["strengths"], [f"{s:g}" for s in result["strengths"]])
        axis.tick_params(labelbottom=True)
        axis.minorticks_off()
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        axis.set_ylim(-0.04, 1.04)
        axis.grid(alpha=0.25)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    figure.supxlabel("strength of the event: displacement of its patches / frame-to-frame noise")
    figure.supylabel(
        f"recall: share of {result['days']} days (bars: 95 % interval, where days differ)",
        fontsize=11,
    )
    hay = result["stream"]
    figure.suptitle(
        f"One event of {hay['event_frames']} s in {hay['frames'] / 3600:.3g} h of a fixed camera, "
        "looked for at the end"
    )
    if len(panels) < len(axes):
        axes[-1].legend(handles.values(), handles.keys(), loc="center", fontsize=9.5)
    else:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    with matplotlib.rc_context({"svg.hashsalt": "needle"}):
        figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def _lines(table: Sequence[dict[str, Any]], kind: str, detail: str) -> list[dict[str, Any]]:
    """One for each memory with that detail policy, and for each baseline, which has but one."""
    star = [row for row in table if row["subject"] == "star" and row["detail"] == detail]
    lines = [
        {
            "label": _label(row),
            "recall": row[kind],
            "color": color,
            "marker": marker,
            "linestyle": "-",
        }
        for row, (color, marker) in zip(star, _STAR, strict=False)
    ]
    for row in table:
        if row["subject"] != "star":
            label, color, marker, linestyle = _BASELINES[row["subject"]]
            lines.append(
                {
                    "label": label,
                    "recall": row[kind],
                    "color": color,
                    "marker": marker,
                    "linestyle": linestyle,
                }
            )
    return lines


def _label(row: dict[str, Any]) -> str:
    weights = "" if row["saturation"] is None else f", w ≤ {row['saturation']:g}"
    return f"ours, β = {row['temper']:g}, r = {row['foresight']:g}{weights}"


def _draw(axis: Any, at: Sequence[float], recall: dict[str, Any], marker: str, **style: Any) -> Any:
    shares = recall["recall"]
    for x, share, low, high in zip(at, shares, recall["low"], recall["high"], strict=True):
        if 0 < share < 1:
            axis.plot((x, x), (low, high), color=style["color"], linewidth=0.9, alpha=0.45)
    (line,) = axis.plot(at, shares, marker=marker, markersize=5, linewidth=1.3, **style)
    return line
