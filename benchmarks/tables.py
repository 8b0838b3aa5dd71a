"""Two tables of 2·10⁷ rows × 10 columns in Parquet, on two threads, against DuckDB's own bare counts; and the peers.

python -m benchmarks tables                    the tables and DuckDB
python -m benchmarks.tables --rows 1e8         the same with as many rows (8 GB on disk for 10⁸)
python -m benchmarks.tables --frames           10⁶ rows × 30 mixed columns, against a loop of pandas and SciPy by hand
python -m benchmarks.tables --wide             2,000 columns × 200 rows, against that loop; half as many; texts
python -m benchmarks.tables --peers PYTHON     evidently and nannyml, installed in another environment
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

ROWS = 20_000_000
THREADS, LIMIT = 2, "1GB"
PEERS = 4_000_000  # rows of a side, all in the memory of a laptop
CONSOLE = Console(width=110)

COLUMNS = """
  sqrt(-2*ln(1-random()))*cos(2*pi()*random()) + {shift} as normal,
  random() as uniform,
  exp(sqrt(-2*ln(1-random()))*cos(2*pi()*random())) as lognormal,
  tan(pi()*(random()-0.5)) as cauchy,
  floor(random()*1000)::int as code,
  floor(-ln(1-random())*1e6)::bigint as amount,
  round(random()*100)/10 as rounded,
  'c' || floor(random()*random()*30)::int as label,
  date '2020-01-01' + floor(random()*700)::int as day,
  random() < 0.3 + {shift} as flag
"""
NAMES = ("normal", "uniform", "lognormal", "cauchy", "code", "amount", "rounded", "label", "day", "flag")
NUMBERS = ("normal", "uniform", "lognormal", "cauchy", "amount")


def make(folder: Path, rows: int) -> tuple[Path, Path]:
    import duckdb

    paths = (folder / "p.parquet", folder / "q.parquet")
    with duckdb.connect(config={"threads": THREADS}) as connection:
        for path, seed, shift in zip(paths, (0.1, 0.2), (0.0, 0.02), strict=True):
            connection.execute(f"select setseed({seed})")
            select = f"select {COLUMNS.format(shift=shift)} from range({rows})"
            connection.execute(f"copy ({select}) to '{path}' (format parquet)")
    return paths


OURS = """
import json, resource, sys, time
import kullback as kl
small = kl.Table({{"a": [1, 2, 3]}})
kl.compare_tables(small, small)  # imports, which DuckDB's clock does not count either
start, cpu = time.perf_counter(), time.process_time()
found = kl.compare_tables({p!r}, {q!r}, threads={threads}, memory_limit={limit!r})
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
edges = {{n: part.edges for n, part in found.reference.partitions.items()}}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, peak, cpu, edges]))
"""

BARE = """
import json, resource, time, duckdb
connection = duckdb.connect(config={{"threads": {threads}, "memory_limit": {limit!r}}})
connection.execute("SET enable_progress_bar = false")
start, cpu = time.perf_counter(), time.process_time()
for query in json.loads({queries!r}):
    connection.execute(query).fetchall()
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, cpu, None]))
"""


def run(code: str) -> list[object]:
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return list(json.loads(out.strip().splitlines()[-1]))


def equal_widths(path: Path) -> list[str]:
    """The plainest counts there are: a thousand equal cells between the ends, other columns by value."""
    import duckdb

    with duckdb.connect() as connection:
        ends = ", ".join(f"min({n}), max({n})" for n in NUMBERS)
        found = connection.execute(f"select {ends} from '{path}'").fetchone()
    assert found is not None
    queries = []
    for name in NAMES:
        key = name
        if name in NUMBERS:
            low, high = found[2 * NUMBERS.index(name) : 2 * NUMBERS.index(name) + 2]
            key = f"floor(({name} - ({low}))*{1000 / (high - low)!r}::double)"
        queries.append(f"select {key} as cell, count(*) from '{path}' group by 1")
    return queries


def same_bins(path: Path, edges: dict[str, list[float] | None]) -> list[str]:
    """The bins that the comparison arrived at, as a person would write them: one CASE a column."""
    queries = []
    for name in NAMES:
        at = edges[name]
        key = name
        if at is not None and name in (*NUMBERS, "code", "rounded"):
            key = "case " + " ".join(f"when {name} < {e!r}::double then {i}" for i, e in enumerate(at)) + " end"
        queries.append(f"select {key} as cell, count(*) from '{path}' group by 1")
    return queries


def large(rows: int = ROWS) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        p, q = make(Path(folder), rows)
        mine = OURS.format(p=str(p), q=str(q), threads=THREADS, limit=LIMIT)
        edges = run(mine)[3]
        assert isinstance(edges, dict)
        contest: dict[str, str] = {"kullback": mine}
        bare: list[tuple[str, Callable[[Path], list[str]] | None]] = [("DuckDB, equal widths", equal_widths)]
        bare += [("DuckDB, the same bins", None)] if rows <= ROWS else []  # which takes minutes
        for name, make_ in bare:
            queries = [k for path in (p, q) for k in (make_(path) if make_ else same_bins(path, edges))]
            contest[name] = BARE.format(threads=THREADS, limit=LIMIT, queries=json.dumps(queries))
        found: dict[str, list[list[object]]] = {name: [] for name in contest}
        for _ in range(3):
            for name, code in contest.items():
                found[name].append(run(code))
    title = f"two tables of {rows:.0e} rows × 10 columns, {THREADS} threads, memory limit {LIMIT}"
    table = Table("", "seconds, best of 3", "median", "CPU", "kullback ÷ this", "peak memory, MB", title=title)
    best, middle, cpu = (
        {name: of(float(str(r[i])) for r in runs) for name, runs in found.items()}
        for i, of in ((0, min), (0, statistics.median), (2, min))
    )
    for name, runs in found.items():
        peak = max(float(str(r[1])) for r in runs)
        ratio = f"{best['kullback'] / best[name]:.2f}"
        table.add_row(name, f"{best[name]:.2f}", f"{middle[name]:.2f}", f"{cpu[name]:.2f}", ratio, f"{peak:.0f}")
    return table


def mixed(seed: int, rows: int) -> Any:
    """Eighteen columns of doubles, one of floats, four of integers, five of text, times, booleans: a pandas frame."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"normal {i}": rng.normal(size=rows) for i in range(9)}
    columns |= {f"lognormal {i}": rng.lognormal(0, 1 + i, rows) for i in range(6)}
    columns |= {f"holes {i}": np.where(rng.random(rows) < 0.02, np.nan, rng.normal(size=rows)) for i in range(3)}
    columns["single"] = rng.normal(size=rows).astype(np.float32)
    columns |= {f"integer {i}": rng.poisson(10**i, rows) for i in range(4)}
    for i, many in enumerate((3, 10, 50, 500, 5000)):
        columns[f"text {i}"] = np.array([f"v{k}" for k in range(many)], dtype=object)[rng.integers(0, many, rows)]
    columns["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, rows), unit="s")
    columns["flag"] = rng.random(rows) < 0.3
    return pd.DataFrame(columns)


def by_hand(p: Any, q: Any) -> list[tuple[float, float, float]]:
    """What a person writes with pandas and SciPy: quantiles of both as edges, counts, both entropies, a test."""
    import pandas as pd
    from scipy import stats

    found = []
    for name in p.columns:
        x, y = p[name], q[name]
        if pd.api.types.is_numeric_dtype(x) and x.dtype != bool:
            bins = int(min(max(2 * len(x) ** (1 / 3), 4), 64))
            values = [side.to_numpy(dtype=float) for side in (x, y)]
            values = [v[np.isfinite(v)] for v in values]
            edges = np.unique(np.quantile(np.concatenate(values), np.linspace(0, 1, bins + 1)))
            counts = np.array([np.histogram(v, edges)[0] for v in values])
        elif str(x.dtype).startswith("datetime"):
            values = [side.to_numpy().astype(np.int64).astype(float) for side in (x, y)]
            edges = np.unique(np.quantile(np.concatenate(values), np.linspace(0, 1, 65)))
            counts = np.array([np.histogram(v, edges)[0] for v in values])
        else:
            both = pd.concat([x.value_counts(), y.value_counts()], axis=1).fillna(0)
            counts = both.to_numpy().T
        counts = counts[:, counts.sum(axis=0) > 0]
        a, b = counts / counts.sum(axis=1, keepdims=True)
        test = stats.chi2_contingency(counts).pvalue if counts.shape[1] > 1 else 1.0
        found.append((float(stats.entropy(a, b)), float(stats.entropy(b, a)), float(test)))
    return found


def timed(contest: dict[str, Callable[[], object]], title: str, first: str, rounds: int = 3) -> Table:
    """All in turn, so that a slow spell of the machine meets all; one round before to warm up."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in contest}
    for _ in range(rounds + 1):
        for name, call in contest.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    table = Table("", "seconds, least", "median", "CPU, least", f"CPU ÷ {first}", title=title)
    least = {name: min(c for _, c in runs[1:]) for name, runs in seconds.items()}
    for name, runs in seconds.items():
        walls = [w for w, _ in runs[1:]]
        row = (min(walls), statistics.median(walls), least[name], least[name] / least[first])
        table.add_row(name, *(f"{x:.2f}" for x in row))
    return table


def ways(p: Any, q: Any, folder: Path, formats: tuple[str, ...]) -> dict[str, Callable[[], object]]:
    """The same two pandas frames in other hands."""
    import polars as pl
    import pyarrow as pa

    import kullback as kl

    frames = [pl.from_pandas(f) for f in (p, q)]
    tables = [pa.Table.from_pandas(f, preserve_index=False) for f in (p, q)]
    found: dict[str, Callable[[], object]] = {
        "by hand, pandas and SciPy": lambda: by_hand(p, q),
        "pandas": lambda: kl.compare_tables(p, q),
        "polars": lambda: kl.compare_tables(*frames),
        "pyarrow": lambda: kl.compare_tables(*tables),
    }
    for ending in formats:
        paths = [folder / f"{name}.{ending}" for name in "pq"]
        for frame, path in zip(frames, paths, strict=True):
            frame.write_parquet(path) if ending == "parquet" else frame.write_csv(path)
        found[ending] = lambda paths=paths: kl.compare_tables(*paths, threads=THREADS)  # type: ignore[misc]
    return found


def in_frames(rows: int = 1_000_000) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        contest = ways(mixed(0, rows), mixed(1, rows), Path(folder), ("parquet",))
        return timed(contest, f"two tables of {rows:.0e} rows × 30 mixed columns", "by hand, pandas and SciPy")


def wide(columns: int, text: bool = False) -> Table:
    import pandas as pd

    def frame(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        if text:
            return pd.DataFrame({f"t{i}": [f"k{v}" for v in rng.integers(0, 50, 1000)] for i in range(columns)})
        return pd.DataFrame({f"n{i}": rng.normal(size=200) for i in range(columns)})

    what = "columns of text × 1,000 rows" if text else "columns × 200 rows"
    with tempfile.TemporaryDirectory() as folder:
        contest = ways(frame(0), frame(1), Path(folder), ("parquet", "csv"))
        return timed(contest, f"two tables of {columns:,} {what}", "by hand, pandas and SciPy")


PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
start = time.perf_counter()
p, q = pd.read_parquet({p!r}), pd.read_parquet({q!r})
reading = time.perf_counter() - start
for f in (p, q):
    f["day"] = pd.to_datetime(f["day"])
found = {{}}
def timed(name, run):
    try:
        start = time.perf_counter(); run(); found[name] = time.perf_counter() - start
    except Exception as error:
        found[name] = repr(error)[:200]
def evidently():
    from evidently import Report, Dataset, DataDefinition
    from evidently.presets import DataDriftPreset
    a = p.drop(columns="day"); b = q.drop(columns="day")
    a["flag"], b["flag"] = a["flag"].astype(str), b["flag"].astype(str)
    numbers = ["normal", "uniform", "lognormal", "cauchy", "code", "amount", "rounded"]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=["label", "flag"])
    report = Report([DataDriftPreset(num_method="kl_div", cat_method="kl_div")])
    report.run(Dataset.from_pandas(b, definition), Dataset.from_pandas(a, definition)).dict()
def nannyml():
    import nannyml as nml
    calc = nml.UnivariateDriftCalculator(
        column_names=[c for c in p.columns if c != "day"], treat_as_categorical=["label", "flag"],
        continuous_methods=["jensen_shannon"], categorical_methods=["jensen_shannon"], chunk_number=1)
    calc.fit(p); calc.calculate(q).to_df()
evidently_import = __import__("evidently"); nannyml_import = __import__("nannyml")
timed("evidently", evidently); timed("nannyml", nannyml)
print(json.dumps([reading, found]))
"""


def clock(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peers(python: str, rows: int = PEERS) -> Table:
    import pandas as pd

    import kullback as kl

    with tempfile.TemporaryDirectory() as folder:
        p, q = make(Path(folder), rows)
        out = subprocess.run(
            [python, "-c", PEER.format(p=str(p), q=str(q))], capture_output=True, text=True, check=True
        ).stdout
        reading, theirs = json.loads(out.strip().splitlines()[-1])
        found = {}
        for name, seconds in theirs.items():
            found[f"{name}, frames"] = seconds
            if isinstance(seconds, float):
                found[f"{name}, files"] = seconds + reading
        frames = [pd.read_parquet(path) for path in (p, q)]
        contest: dict[str, Callable[[], object]] = {
            "kullback, files": lambda: kl.compare_tables(p, q, threads=THREADS),
            "kullback, pandas frames": lambda: kl.compare_tables(*(f.drop(columns="day") for f in frames)),
        }
        mine = {}
        for name, call in contest.items():
            mine[name] = min(clock(call) for _ in range(3))
    table = Table("", "seconds", "÷ kullback, files", title=f"two tables of {rows:.0e} rows, one process each")
    first = mine["kullback, files"]
    for name, seconds in (mine | found).items():
        known = isinstance(seconds, float)
        table.add_row(name, f"{seconds:.2f}" if known else str(seconds), f"{seconds / first:.1f}" if known else "")
    return table


def main() -> None:
    CONSOLE.print(large())


if __name__ == "__main__":
    if "--rows" in sys.argv:
        CONSOLE.print(large(int(float(sys.argv[sys.argv.index("--rows") + 1]))))
    elif "--frames" in sys.argv:
        CONSOLE.print(in_frames())
    elif "--wide" in sys.argv:
        for columns, text in ((2_000, False), (1_000, False), (200, True)):
            CONSOLE.print(wide(columns, text))
    elif "--peers" in sys.argv:
        CONSOLE.print(peers(sys.argv[sys.argv.index("--peers") + 1]))
    else:
        main()
