"""Tables whose rows go together in groups, or have weights."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

import kullback as kl
from command import run
from kullback.numerics import clusters, tallies
from kullback.tables import _clusters, _rows


def visits(seed: int, groups: int, each: int, icc: float, shift: float = 0.0, first: int = 0) -> pl.DataFrame:
    """Rows of groups: what is within a group is alike, as far as the intraclass correlation says."""
    r = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), each)
    x = np.sqrt(icc) * r.normal(size=groups)[g] + np.sqrt(1 - icc) * r.normal(size=len(g)) + shift
    kind = np.where(r.normal(size=len(g)) + x > 0, "a", np.where(x > 0.5, "b", "c"))
    whole = np.clip(np.round(x * 2 + r.normal(size=len(g))), -9, 9)
    frame = pl.DataFrame({"x": x, "kind": kind, "whole": whole.astype(int), "user": g + first})
    return frame.with_columns(pl.when(pl.col("x") > 2).then(None).otherwise(pl.col("x")).alias("holes"))


P, Q = visits(0, 40, 25, 0.3), visits(1, 50, 20, 0.3, 0.2, 1000)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("engine", ["pandas", "pyarrow", "files", "relations", "lazy"])
def test_every_engine(engine: str, weighted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = [t.with_columns(pl.Series("w", np.linspace(0.5, 2, len(t)))) for t in (P, Q)]
    said: dict[str, Any] = {"groups": "user", "weights": "w"} if weighted else {"groups": "user", "exclude": "w"}
    wanted = kl.compare_tables(*pair, **said)
    for t, name in zip(pair, "pq", strict=True):
        t.write_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setattr(_rows, "SMALL", -1)
    other: list[Any] = {
        "pandas": lambda: [t.to_pandas() for t in pair],
        "pyarrow": lambda: [t.to_arrow() for t in pair],
        "files": lambda: [tmp_path / "p.parquet", tmp_path / "q.parquet"],
        "relations": lambda: [duckdb.read_parquet(str(tmp_path / f"{name}.parquet")) for name in "pq"],
        "lazy": lambda: [t.lazy() for t in pair],
    }[engine]()
    found = kl.compare_tables(*other, **said)
    assert "user" not in [c.column for c in found.columns]
    for c in wanted.columns:
        mine = found[c.column]
        assert mine.worth == pytest.approx(c.worth, rel=1e-9)
        assert mine.p_value == c.p_value
        for a, b in ((mine.forward, c.forward), (mine.reverse, c.reverse), (mine.jensen_shannon, c.jensen_shannon)):
            assert a.best == pytest.approx(b.best, rel=1e-9, abs=1e-12)
            assert a.interval == pytest.approx(b.interval, rel=1e-6, abs=1e-9)


def form(what: str, v: int) -> Any:
    return {
        "text": f"u{v}",
        "date": dt.date(2024, 1, 1) + dt.timedelta(v),
        "moment": dt.datetime(2024, 1, 1) + dt.timedelta(hours=v),
        "instant": dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=v),
        "time": dt.time(v % 24, v // 24),
        "flag": v % 2 == 0,
        "decimal": Decimal(v) / 10,
        "float": v / 10,
    }[what]


@pytest.mark.parametrize("small", [pytest.param(True, marks=pytest.mark.slow), False])
@pytest.mark.parametrize("what", ["text", "date", "moment", "instant", "time", "flag", "decimal", "float"])
def test_groups_and_slices_of_every_type(
    what: str, small: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers from files and frames, P from one and Q from another too: names hang on no engine."""
    pair = []
    for t, name in ((P, "p"), (P.with_columns(pl.col("x") + 0.1), "q")):
        users = pl.Series("user", [form(what, u) for u in t["user"]])
        pair.append(t.with_columns(users, pl.Series("part", [form(what, u % 3) for u in t["user"]])))
        pair[-1].write_parquet(tmp_path / f"{name}.parquet")
    if not small:
        monkeypatch.setattr(_rows, "SMALL", -1)
    files = tmp_path / "p.parquet", tmp_path / "q.parquet"
    said: dict[str, Any] = {"groups": "user", "by": "part", "columns": ["x", "kind"]}
    wanted = kl.compare_tables(*pair, **said)
    assert any("stand on both sides" in note for note in wanted.notes)
    for one, other in (files, (pair[0], files[1]), (pair[0].to_pandas(), files[1]), [t.lazy() for t in pair]):
        found = kl.compare_tables(one, other, **said)
        assert [s.rows for s in found.slices] == [s.rows for s in wanted.slices]
        for mine, theirs in zip((found, *found.slices), (wanted, *wanted.slices), strict=True):
            for c in theirs.columns:
                assert mine[c.column].p_value == c.p_value
                assert mine[c.column].worth == pytest.approx(c.worth, rel=1e-9)
                assert mine[c.column].forward.interval == pytest.approx(c.forward.interval, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("said", [{"by": "part"}, {"groups": "user"}, {"groups": "user", "weights": "w", "by": "part"}])
def test_a_database_without_a_word_for_infinity(said: dict[str, Any], tmp_path: Path) -> None:
    pair = [t.select("x", "kind", "holes", "user", w=1.0 + t["user"] % 2, part=t["user"] % 3) for t in (P, Q)]
    with sqlite3.connect(tmp_path / "d.db") as c:
        for t, name in zip(pair, "pq", strict=True):
            c.execute(f"create table {name} (x real, kind text, holes real, user integer, w real, part integer)")
            c.executemany(f"insert into {name} values (?, ?, ?, ?, ?, ?)", t.rows())
            c.execute(f"insert into {name} values (9e999, 'a', -9e999, 7, 1.0, 0)")
    infinite = pl.DataFrame([(np.inf, "a", -np.inf, 7, 1.0, 0)], pair[0].columns, orient="row")
    wanted = kl.compare_tables(*(pl.concat([t, infinite.cast(dict(t.schema))]) for t in pair), **said)
    found = kl.compare_tables(*(f"sqlite:///{tmp_path}/d.db#{name}" for name in "pq"), **said)
    for mine, theirs in zip((found, *found.slices), (wanted, *wanted.slices), strict=True):
        for c in theirs.columns:
            assert mine[c.column].forward.best == pytest.approx(c.forward.best, rel=1e-9, abs=1e-12)
            assert mine[c.column].p_value == pytest.approx(c.p_value, rel=1e-9)


def test_by_groups_equal_tables_look_equal() -> None:
    """By rows nearly every comparison of such groups is significant; by groups 3 of 60 (≤ 8 in 99 %)."""
    rows, groups = [], []
    for seed in range(60):
        p, q = visits(2 * seed, 30, 40, 0.5), visits(2 * seed + 1, 30, 40, 0.5, 0.0, 500)
        rows.append(kl.compare_tables(p, q, columns="x")["x"].p_value <= 0.05)
        found = kl.compare_tables(p, q, columns="x", groups="user")["x"]
        groups.append((found.p_value <= 0.05, found.forward.interval[0] > 0))
    assert sum(rows) > 30
    level, low = np.sum(groups, axis=0)
    assert level <= 8
    assert low <= 8


@pytest.mark.parametrize(
    ("icc", "groups", "shift", "repeats"),
    [
        (0.1, 30, 0.5, 60),
        (0.5, 100, 0.5, 60),
        *(
            pytest.param(i, g, s, 400, marks=pytest.mark.slow)
            for i in (0.01, 0.1, 0.5)
            for g in (30, 100)
            for s in (0.0, 0.3, 1.0)
        ),
    ],
)  # fmt: skip
def test_the_interval_holds(icc: float, groups: int, shift: float, repeats: int) -> None:
    """Cells of a normal with known shares: 95 ± 2 %, and three standard errors of so many repeats."""
    from scipy.stats import norm

    edges = norm.ppf(np.linspace(0, 1, 13))[1:-1]
    p, q = (np.diff(np.r_[0, norm.cdf(edges - s), 1]) for s in (0.0, shift))
    truth = {"forward": float(p @ np.log(p / q)), "reverse": float(q @ np.log(q / p))}
    held = dict.fromkeys(truth, 0)
    for seed in range(repeats):
        r, sides = np.random.default_rng([seed, groups]), []
        for mean in (0.0, shift):
            g = np.repeat(np.arange(groups), 50)
            x = np.sqrt(icc) * r.normal(size=groups)[g] + np.sqrt(1 - icc) * r.normal(size=len(g)) + mean
            table = np.zeros((groups, 12))
            np.add.at(table, (g, np.searchsorted(edges, x)), 1)
            sides.append(clusters.Clusters(table, float(len(g)), np.arange(groups) + 1000 * len(sides)))
        sizes = clusters.worth(sides[0], sides[1])
        a, b = (s.shares * n for s, n in zip(sides, sizes, strict=True))
        for measure, value in truth.items():
            spread = clusters.spread(sides[0], sides[1], sizes, measure)
            found = tallies.estimate(a, b, measure, np.arange(12), spread=spread)
            held[measure] += found.low <= value <= found.high
    slack = 3 * np.sqrt(0.95 * 0.05 / repeats)
    assert min(held.values()) / repeats >= 0.93 - slack


def test_equal_weights_are_none() -> None:
    plain = kl.compare_tables(P, Q, exclude="user")
    found = kl.compare_tables(P.with_columns(w=3.0), Q.with_columns(w=0.1), exclude="user", weights="w")
    for c in plain.columns:
        mine = found[c.column]
        assert mine.worth == pytest.approx((len(P), len(Q)), rel=1e-12)
        assert mine.p_value == pytest.approx(c.p_value, rel=1e-9)
        assert mine.forward.interval == pytest.approx(c.forward.interval, rel=1e-9)
        assert mine.forward.best == pytest.approx(c.forward.best, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e200, 1e307])
def test_the_scale_of_weights_says_nothing(scale: float) -> None:
    w = 1.0 + np.arange(len(P)) % 3
    plain, found = (kl.compare_tables(P.with_columns(w=x), Q.with_columns(w=1), weights="w") for x in (w, w * scale))
    for c in plain.columns:
        rel = 1e-3 if scale < 1e-300 else 1e-9  # numbers below 1e-308 have few digits
        assert found[c.column].worth == pytest.approx(c.worth, rel=rel)
        assert found[c.column].p_value == pytest.approx(c.p_value, rel=0.05 if rel > 1e-6 else 1e-6)


def test_a_row_with_all_the_weight_is_one_row() -> None:
    """A variance from the squared weights of a cell alone said 9,457 rows of 3,000, and p below 1e-15."""
    w = np.where(np.arange(len(P)) == 7, 1e6, 1.0)
    found = kl.compare_tables(P.with_columns(w=w), Q.with_columns(w=1), columns=["x", "kind"], weights="w")
    for c in found.columns:
        assert c.worth is not None
        assert c.worth[0] == pytest.approx(1, rel=0.05)
        assert c.p_value > 0.05
        assert c.forward.interval[0] == 0


def level(sides: Any, repeats: int) -> int:
    """How often equal tables have p ≤ 0.05."""
    return sum(clusters.p_value(*sides(np.random.default_rng([seed, 5])), seed) <= 0.05 for seed in range(repeats))


def table(r: np.random.Generator, own: np.ndarray, each: int, names: list[str]) -> clusters.Clusters:
    x = np.sqrt(0.5) * (own[:, None] + r.normal(size=(len(own), each)))
    cells = np.stack([np.bincount(row, minlength=8) for row in np.digitize(x, np.linspace(-1.2, 1.2, 7))])
    return clusters.Clusters(cells.astype(float), float(x.size), np.array(names))


@pytest.mark.parametrize("few", [0, 1, 3])
def test_groups_of_which_some_are_shared(few: int) -> None:
    """5 % of 200, at most 20 in 99.7 %; it was 39 and 18 % where groups of one side changed sides by coins."""

    def sides(r: np.random.Generator) -> Any:
        mine, theirs = r.normal(size=40), r.normal(size=10 if few == 3 else 5)
        theirs[:few] = mine[:few]
        others = [str(i if i < few else 900 + i) for i in range(len(theirs))]
        return table(r, mine, 20, [str(i) for i in range(40)]), table(r, theirs, 20, others)

    assert level(sides, 200) <= 20


@pytest.mark.parametrize("rows", [5, 20, 100])
def test_a_small_batch_with_weights(rows: int) -> None:
    """It was 29 % for 5 rows: what few rows do not show was taken for what cannot be."""

    def sides(r: np.random.Generator) -> Any:
        found = []
        for n in (1000, rows):
            w, cells = np.exp(0.7 * r.normal(size=n)), r.integers(0, 8, n)
            sums, squares = (np.bincount(cells, v, 8) for v in (w, w * w))
            found.append(clusters.Clusters(sums[None], float(n), None, squares))
        return found

    assert level(sides, 200) <= 20


def test_a_reference_keeps_how_its_rows_go_together() -> None:
    """Against many groups, whose own error is small, it held in 70 % where only the mean variance was kept."""
    from scipy.stats import norm

    edges = np.linspace(-1.2, 1.2, 7)
    p = np.diff(np.r_[0, norm.cdf(edges), 1])
    q = np.diff(np.r_[0, norm.cdf(edges - 0.5 * np.sqrt(0.5)), 1])
    truth, held = float(p @ np.log(p / q)), 0
    for seed in range(100):
        r = np.random.default_rng([seed, 6])
        one = table(r, r.normal(size=40), 20, [f"p{i}" for i in range(40)])
        other = table(r, r.normal(size=800) + 0.5, 5, [f"q{i}" for i in range(800)])
        worth, growth = clusters.own_worth(one)
        kept = one.shares * worth
        known = clusters.Clusters(kept[None], worth, None, kept, growth, one.degrees)
        sizes = clusters.worth(known, other)
        a, b = (s.shares * n for s, n in zip((known, other), sizes, strict=True))
        spread = clusters.spread(known, other, sizes, "forward")
        found = tallies.estimate(a, b, "forward", np.arange(8), spread=spread)
        held += found.low <= truth <= found.high
    assert held >= 87


def test_a_reference_of_paired_groups_is_worth_what_its_own_rows_are() -> None:
    """The errors of differences are small, those of either side are not."""
    alone = kl.compare_tables(P, Q, columns="x", groups="user").reference
    paired = kl.compare_tables(P, P.with_columns(pl.col("x") + 0.01), columns="x", groups="user").reference
    assert paired.size("x") == pytest.approx(alone.size("x"), rel=0.3)
    rows = kl.tables.count(Q.with_columns(pl.col("x") * 1.0), alone)
    assert (alone + rows).size("x") < 4 * alone.size("x") + 1  # half of the rows are worth little


@pytest.mark.parametrize("private", [False, True])
def test_references_with_weights(private: bool, tmp_path: Path) -> None:
    r = np.random.default_rng(8)
    p, q = (
        t.with_columns(w=r.uniform(0.5, 2, len(t)), name=pl.Series([f"n{v % 5000}" for v in r.zipf(1.3, len(t))]))
        for t in (pl.concat([P, P]), pl.concat([Q, Q]))
    )
    said: dict[str, Any] = {"weights": "w", "exclude": "user", "private": private}
    fresh = kl.compare_tables(p, q, **said)
    fresh.reference.save(tmp_path / "r.json")
    found = kl.compare_tables(kl.tables.load(tmp_path / "r.json"), q, **said)
    for c in fresh.columns:
        assert found[c.column].forward.best == pytest.approx(c.forward.best, rel=0.1, abs=2e-3)
        assert found[c.column].p_value == pytest.approx(c.p_value, abs=0.05)


def test_slices_of_one_group_and_without_weight() -> None:
    q = Q.with_columns(w=(pl.col("user") < 1030).cast(pl.Float64), part=pl.col("user").clip(1020, 1031))
    found = kl.compare_tables(P.with_columns(w=1.0), q, columns=["x", "kind"], by="part", groups="user", weights="w")
    keys = [s.key for s in found.slices]
    assert keys == list(range(1020, 1030))  # the last two have no weight
    for s in found.slices[1:]:
        for c in s.columns:
            assert c.forward.interval == (0, np.inf)
            assert c.forward.low_at is not None
            assert c.forward.low_at(0.5) == 0
    assert any("9 slices have one group" in note for note in found.notes)
    assert any("2 slices are left out, whose rows all have the weight 0" in note for note in found.notes)


def test_whole_weights_give_the_values_of_rows_as_often() -> None:
    """The value is that of rows written as often; the error is that of the rows there are."""
    r = np.random.default_rng(3)
    w = r.integers(1, 4, len(P))
    found = kl.compare_tables(P.with_columns(w=w), Q.with_columns(w=1), columns="kind", weights="w")["kind"]
    often = kl.compare_tables(P.select(pl.all().repeat_by(pl.lit(w))).explode(pl.all()), Q, columns="kind")["kind"]
    assert found.forward.value == pytest.approx(often.forward.value, rel=1e-12)
    assert found.worth is not None
    assert found.worth[0] == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=0.05)  # weights know nothing of the kinds


def test_rows_written_twice_in_groups_of_two_err_as_once() -> None:
    numbered = [t.with_columns(pair=np.arange(len(t)) + 10_000 * i) for i, t in enumerate((P, Q))]
    twice = [pl.concat([t, t]) for t in numbered]
    plain, found = kl.compare_tables(P, Q, columns="kind"), kl.compare_tables(*twice, columns="kind", groups="pair")
    # G/(G − 1) and Student's t of a thousand groups
    assert found["kind"].forward.interval == pytest.approx(plain["kind"].forward.interval, rel=5e-3)
    assert found["kind"].worth == pytest.approx((len(P), len(Q)), rel=2e-3)


def test_groups_of_both_sides_are_differences() -> None:
    """The same users before and after: what each is like goes from the error."""
    before, after = visits(5, 60, 30, 0.6), visits(5, 60, 30, 0.6, 0.1)
    paired = kl.compare_tables(before, after, columns="x", groups="user")
    apart = kl.compare_tables(before, after.with_columns(pl.col("user") + 900), columns="x", groups="user")
    assert "60 groups of user stand on both sides: errors are those of their differences" in paired.notes
    assert paired["x"].worth[0] > 2 * apart["x"].worth[0]  # type: ignore[index]
    assert paired["x"].p_value < apart["x"].p_value


def test_each_row_its_own_group_is_none() -> None:
    one, two = (t.with_columns(row=np.arange(len(t))) for t in (P, Q))
    found, plain = kl.compare_tables(one, two, columns="x", groups="row"), kl.compare_tables(P, Q, columns="x")
    assert found["x"].p_value == pytest.approx(plain["x"].p_value, rel=1e-9)
    assert found["x"].forward.interval == pytest.approx(plain["x"].forward.interval, rel=1e-9)
    assert "each row is a group of its own in row: rows are taken as independent" in found.notes


def test_slices_and_references_know_of_groups(tmp_path: Path) -> None:
    q = Q.with_columns(month=pl.col("user") % 3)
    found = kl.compare_tables(P.with_columns(month=0), q, columns=["x", "kind"], by="month", groups="user")
    for s in found.slices:
        alone = kl.compare_tables(found.reference, q.filter(pl.col("month") == s.key), columns="kind", groups="user")
        assert s["kind"].forward.best == pytest.approx(alone["kind"].forward.best, rel=0.2, abs=2e-3)
        assert s["kind"].worth[1] == pytest.approx(alone["kind"].worth[1], rel=0.05)  # type: ignore[index]
    found.reference.save(tmp_path / "r.json")
    again = kl.tables.load(tmp_path / "r.json")
    assert again.worth == found.reference.worth
    assert again.size("x") < 0.8 * len(P)
    fresh, later = (kl.compare_tables(p, Q, columns="x", groups="user")["x"] for p in (P, again))
    assert later.forward.interval == pytest.approx(fresh.forward.interval, rel=0.5)
    plain = kl.compare_tables(again, Q, columns="x")["x"]  # P's rows still go together
    assert plain.worth == pytest.approx((again.size("x"), len(Q)))
    assert (again + again).size("x") == pytest.approx(2 * again.size("x"))


def test_many_groups_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = kl.compare_tables(P, Q, columns="x", groups="user")
    monkeypatch.setattr(_clusters, "MOST", 30)
    monkeypatch.setattr(_clusters, "BUCKETS", 29)
    for change in (lambda t: t, lambda t: t.lazy(), lambda t: t.with_columns(pl.format("u{}", "user").alias("user"))):
        found = kl.compare_tables(change(P), change(Q), columns="x", groups="user")
        assert found["x"].worth == pytest.approx(plain["x"].worth, rel=0.5)
        assert any("more than 30 groups" in note for note in found.notes)
    text = P.with_columns(pl.col("user").cast(pl.String)).lazy()
    with pytest.raises(kl.InputError, match="give a column of whole numbers"):
        kl.compare_tables(text, text, columns="x", groups="user")


@pytest.mark.parametrize(
    ("change", "said", "words"),
    [
        ({"g": 1}, {"groups": "g"}, "has one value for all"),
        ({"g": None}, {"groups": "g"}, "have no value in the column of groups"),
        ({"w": -1.0}, {"weights": "w"}, "must be numbers of at least 0"),
        ({"w": 0.0}, {"weights": "w"}, "not all 0"),
        ({"w": float("nan")}, {"weights": "w"}, "must be numbers"),
        ({"w": float("inf")}, {"weights": "w"}, "must be numbers"),
        ({"w": None}, {"weights": "w"}, "have none"),
        ({"w": "heavy"}, {"weights": "w"}, "not numbers"),
        ({}, {"groups": "usr"}, "did you mean 'user'"),
        ({"w": 1}, {"groups": "w", "weights": "w"}, "two columns"),
        ({}, {"groups": ["user", "kind"]}, "the name of one column"),
        ({}, {"weights": 3}, "the name of one column"),
        ({"g": float("nan")}, {"groups": "g"}, "no value in the column of groups"),
        ({}, {"groups": "user", "joint": ["x", "whole"]}, "measure these columns as draws"),
    ],
)
def test_bad_input(change: dict[str, Any], said: dict[str, Any], words: str) -> None:
    rest = len(P) - 1
    columns = {k: pl.Series([v, *[v] * rest] if v is not None else [1, *[None] * rest]) for k, v in change.items()}
    frame = P.with_columns(**columns)
    for table in (frame, frame.to_pandas() if None not in change.values() else frame):
        with pytest.raises(kl.InputError, match=words):
            kl.compare_tables(table, table, **said)


def test_a_column_that_names_users_gets_a_hint() -> None:
    notes = kl.compare_tables(P, Q).notes
    assert any("rows of one user go together, give --groups user (groups='user')" in note for note in notes)
    assert not any("--groups" in note for note in kl.compare_tables(P, Q, groups="user").notes)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for t, name in ((P, "p"), (Q, "q")):
        t.with_columns(w=1.0).write_csv(tmp_path / f"{name}.csv")
    files = [str(tmp_path / "p.csv"), str(tmp_path / "q.csv")]
    code, out, _ = run(capsys, "compare", *files, "--groups", "user", "--weights", "w", "--json")
    assert code == 0
    found = {c["column"]: c for c in json.loads(out)["columns"]}
    wanted = kl.compare_tables(*files, groups="user", weights="w")
    assert found["x"]["effective_rows"] == pytest.approx(wanted["x"].worth)
    assert "user" not in found
