"""Texts of the data stay where they are: hashes stand for them in all that is stored or shown."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import command
import kullback as kl
from kullback import report

SECRET = "jane"  # begins every text of the tables, and nothing else
Maker = Callable[[pl.DataFrame, Path], Any]


def table(first: int, n: int = 60) -> pl.DataFrame:
    people = [f"{SECRET}{first + i % 40}@example.org" for i in range(n)]
    return pl.DataFrame(
        {
            "person": [None, "missing", *people[2:]],
            "group": pl.Series([f"{SECRET}{'xyz'[(first + i) % 3]}" for i in range(n)]).cast(pl.Categorical),
            "size": [float(i) for i in range(n)],
        }
    )


def parquet(frame: pl.DataFrame, folder: Path) -> str:
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    frame.write_parquet(path)
    return str(path)


ENGINES: dict[str, Maker] = {
    "polars": lambda f, _: f,
    "pandas": lambda f, _: f.to_pandas(),
    "pyarrow": lambda f, _: f.to_arrow(),
    "duckdb": parquet,
}


def told(found: kl.TableComparison) -> str:
    """All that is shown or stored of a comparison."""
    texts = [repr(found), found._repr_html_(), found.to_json(), report.markdown(found), report.page(found)]
    texts += [found.reference.to_json(), repr(found.reference.partitions), repr(found.reference.counts)]
    texts += [*map(repr, found.columns), str(found.verdict(0.01)), json.dumps(found.verdict(0.01).to_dict())]
    return "\n".join(texts)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("private", [True, "pepper"])
def test_no_text_is_told_and_the_numbers_stay(engine: str, private: bool | str, tmp_path: Path) -> None:
    """On every engine, from a reference too: the same numbers as without, and not one text."""
    p, q = (ENGINES[engine](table(first), tmp_path) for first in (0, 25))
    plain, found = kl.compare_tables(p, q), kl.compare_tables(p, q, private=private)
    assert SECRET in told(plain)
    assert SECRET not in told(found)
    found.reference.save(tmp_path / "kept.json")
    later = kl.compare_tables(kl.tables.load(tmp_path / "kept.json"), q, private=private)
    assert SECRET not in told(later)
    for c in plain.columns:
        for other in (found[c.column], later[c.column]):
            assert other.score == pytest.approx(c.score, rel=1e-12, abs=1e-15)
            assert sorted(other.terms["count_q"]) == sorted(c.terms["count_q"])
    assert sorted(found["person"].terms["outcome"]) == sorted(later["person"].terms["outcome"])


def test_the_hash_is_the_standard_one() -> None:
    """So that who knows a text finds it, as `printf jane0@example.org | sha256sum` does."""
    p, text = table(0), f"{SECRET}7@example.org"
    plainly, keyed = (kl.compare_tables(p, p, private=x)["person"].terms["outcome"] for x in (True, "pepper"))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] in plainly
    assert hmac.new(b"pepper", text.encode(), "sha256").hexdigest()[:16] in keyed
    assert "missing" in plainly  # what is missing is no text
    assert hashlib.sha256(b"missing").hexdigest()[:16] in plainly
    shown = [x for x in plainly if x != "missing"]
    assert shown == sorted(shown)  # the order of the texts themselves would tell of them


def test_more_texts_than_are_named(tmp_path: Path) -> None:
    """Of a long list the commonest by name, the others together, as without."""
    values = [f"{SECRET}{i}" for i in range(1500) for _ in range(1 + (i < 40))]
    p, q = pl.DataFrame({"t": values}), pl.DataFrame({"t": values[::-1][:1400] + [f"{SECRET}new"] * 300})
    plain, found = kl.compare_tables(p, q), kl.compare_tables(p, q, private=True)
    assert found["t"].score == pytest.approx(plain["t"].score, rel=1e-12)
    against = [kl.compare_tables(r, q, private=x)["t"] for r, x in ((plain.reference, False), (found.reference, True))]
    assert against[0].score == pytest.approx(against[1].score, rel=1e-12)
    assert SECRET not in repr(against[1])


def test_counts_of_parts_add() -> None:
    p, q = table(0), table(25)
    kept = kl.compare_tables(p, q, private="pepper").reference
    both = kept + kl.tables.count(q, kept, private="pepper")
    assert both.rows == len(p) + len(q)
    assert SECRET not in both.to_json()
    again = kl.compare_tables(both, pl.concat([p, q]), private="pepper")
    assert max(c.jensen_shannon.value for c in again.columns) == pytest.approx(0, abs=1e-15)
    with pytest.raises(kl.InputError, match="different ways"):
        kept + kl.compare_tables(p.select("size"), q, private=True).reference.__class__(
            kept.name, kept.rows, kept.partitions, kept.counts, "another"
        )
    with pytest.raises(kl.InputError, match="holds texts as they are"):
        kl.tables.count(q, kl.compare_tables(p, q).reference, private=True)


def test_other_salts_are_refused() -> None:
    """A reference of hashes is compared with hashes of its own kind; one of texts may be compared privately."""
    p, q = table(0), table(25)
    kept = {x: kl.compare_tables(p, q, private=x).reference for x in (False, True, "pepper", "salt")}
    for of_p, now in itertools.product(kept, kept):
        if of_p is now or of_p is False:
            assert (SECRET in told(kl.compare_tables(kept[of_p], q, private=now))) is (now is False)
        else:
            with pytest.raises(kl.InputError, match="--private too" if now is False else "another salt"):
                kl.compare_tables(kept[of_p], q, private=now)
    for wrong in ("", 1, None):
        with pytest.raises(kl.InputError, match="a salt"):
            kl.compare_tables(p, q, private=wrong)  # type: ignore[arg-type]


def test_slices_types_notes_and_errors(tmp_path: Path) -> None:
    """Slices by a text, types that list their values, what keeps a column from being numbers, an engine's words."""
    p, q = table(0), table(25)
    assert SECRET not in told(kl.compare_tables(p, q, by="person", private=True))
    letters = pl.Enum([f"{SECRET}a", f"{SECRET}b"])
    p = pl.DataFrame({"t": pl.Series([f"{SECRET}a"] * 20, dtype=letters), "l": [[f"{SECRET}b"]] * 20, "x": range(20)})
    p = p.with_columns(pl.col("l").cast(pl.List(letters)))
    q = p.with_columns(pl.Series("t", range(20)))
    assert SECRET in repr(kl.compare_tables(p, q))
    assert SECRET not in told(kl.compare_tables(p, q, private=True))
    with pytest.raises(kl.InputError, match="no column is left") as caught:
        kl.compare_tables(p.select("l"), q.select("l"), private=True)
    assert SECRET not in str(caught.value)
    for name in "pq":
        (tmp_path / f"{name}.csv").write_text("x\n" + "1\n2\n" * 30 + f"{SECRET}\n")
    files = tmp_path / "p.csv", tmp_path / "q.csv"
    assert f"such as '{SECRET}'" in repr(kl.compare_tables(*files))
    assert SECRET not in told(kl.compare_tables(*files, private=True))


def test_an_engine_quotes_nothing(connection: Any) -> None:
    connection.sql(f"create view v as select cast(x as int) as x from (values ('1'), ('{SECRET}')) t(x)")
    q = connection.sql("select 1 as x")
    with pytest.raises(kl.InputError, match=SECRET):
        kl.compare_tables(connection.table("v"), q)
    with pytest.raises(kl.InputError, match="may quote values") as caught:
        kl.compare_tables(connection.table("v"), q, private=True)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    """Options and the settings file; what the command line says comes first."""
    monkeypatch.chdir(tmp_path)
    table(0).write_parquet("p.parquet")
    table(25).drop("group").write_parquet("q.parquet")

    def run(*arguments: str) -> tuple[int, str]:
        code, out, err = command.run(capsys, "compare", *arguments)
        return code, out + err

    monkeypatch.setenv("COLUMNS", "60")
    kept = ["--save-reference", "r.json", "--report", "r.html", "--fail-over", "0.1"]
    code, out = run("p.parquet", "q.parquet", "--private", "--salt", "pepper", *kept)
    assert code == 1
    assert max(len(line) for line in out.splitlines() if line[:1] in "┏┃┡│└") <= 60
    assert SECRET not in out + Path("r.json").read_text() + Path("r.html").read_text()
    code, out = run("--reference", "r.json", "q.parquet")
    assert (code, "compare with --private too" in out) == (2, True)
    code, out = run("p.parquet", "q.parquet", "--salt", "")
    assert (code, "the salt is empty" in out) == (2, True)
    Path("kullback.toml").write_text('private = true\nsalt = "pepper"\nreference = "r.json"\n')
    code, out = run("q.parquet", "--json")
    assert (code, SECRET in out) == (0, False)
    assert "pepper" not in repr(kl.tables.settings())
    code, out = run("p.parquet", "q.parquet", "--no-private")
    assert (code, SECRET in out) == (0, True)
