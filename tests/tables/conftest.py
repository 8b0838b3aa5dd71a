"""One table with everything that is awkward, and the engines that may hold it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest


def table(seed: int, n: int, shift: float = 0.0) -> pl.DataFrame:
    """Numbers of every kind, dates, text and booleans, with holes, NaN and ∞ among them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, n)
    holes = rng.random(n) < 0.02
    odd = rng.normal(size=n)
    odd[:7] = [np.nan, np.nan, np.inf, -np.inf, np.nan, 0.0, -0.0]
    zeros = np.where(rng.random(n) < 0.4, 0.0, rng.lognormal(0, 3, n))
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 400 + int(40 * shift), n)]
    return pl.DataFrame(
        {
            "x": [None if h else float(v) for v, h in zip(x, holes, strict=True)],
            "odd": odd,
            "heavy": rng.standard_cauchy(n),
            "zeros": zeros,
            "far": 1e9 + rng.normal(shift, 1, n),
            "count": rng.poisson(5 + shift, n),
            "wide": rng.integers(-(10**12), 10**12, n),
            "few": np.round(rng.integers(0, 4, n) * 0.1, 1),
            "one": np.full(n, 7.25),
            "flag": [None if h else bool(b) for h, b in zip(holes, rng.random(n) < 0.3 + 0.1 * shift, strict=True)],
            "day": days,
            "moment": [
                dt.datetime.combine(d, dt.time(int(h), 30, 5))
                for d, h in zip(days, rng.integers(0, 24, n), strict=True)
            ],
            "colour": [
                None if h else c
                for h, c in zip(holes, rng.choice(["red", "blue", "null", "", "naïve"], n), strict=True)
            ],
            "month": rng.integers(1, 5, n),
        }
    )


@pytest.fixture(scope="session")
def pair() -> tuple[pl.DataFrame, pl.DataFrame]:
    return table(1, 3000), table(2, 2000, 0.5)


@pytest.fixture(scope="session")
def files(pair: tuple[pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tables")
    for name, frame in zip("pq", pair, strict=True):
        frame.write_parquet(folder / f"{name}.parquet")
    return folder / "p.parquet", folder / "q.parquet"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One local Spark for all tests."""
    from pyspark.sql import SparkSession

    if shutil.which("java") is None:
        pytest.fail("PySpark needs a Java: apt-get install default-jre-headless")
    folder = tmp_path_factory.mktemp("spark")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = (
        SparkSession.builder.master("local[1]")
        # what a few thousand rows need: compiling queries and bytecode to the utmost would be most of the work
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.memory", "1g")
        .config("spark.sql.warehouse.dir", str(folder))
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture
def connection() -> Iterator[Any]:
    with duckdb.connect() as found:
        yield found
