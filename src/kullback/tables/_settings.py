"""What a repository keeps of a comparison: kullback.toml, or [tool.kullback] of pyproject.toml."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from kullback._format import listing
from kullback._result import InputError, TableComparison, Verdict
from kullback._result._verdict import understood
from kullback.tables._compare import compare_tables
from kullback.tables._csv import Csv
from kullback.tables._reference import load

FILE, PROJECT = "kullback.toml", "pyproject.toml"
LISTS = ("columns", "exclude", "joint")
FLAGS = ("allow_missing_columns", "allow_type_change", "private")
WHOLE = ("threads", "seed")
PATHS = ("reference", "save_reference", "report", "plot")
CSV = ("decimal", "delimiter", "encoding", "date_format", "null")


@dataclass(frozen=True, slots=True)
class Settings:
    """How tables are compared and judged, as a file keeps it; None is what the file does not say.

    The names are those of the command line's options and of `kl.compare_tables` and `TableComparison.check`.
    """

    columns: list[str] | None = None
    exclude: list[str] | None = None
    joint: list[str] | None = None
    by: str | None = None
    every: str | None = None
    groups: str | None = None
    weights: str | None = None
    fail_over: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    judge: str | None = None
    allow_missing_columns: bool | None = None
    allow_type_change: bool | None = None
    private: bool | None = None
    salt: str | None = field(default=None, repr=False)
    reference: Path | None = None
    save_reference: Path | None = None
    report: Path | None = None
    plot: Path | None = None
    format: str | None = None
    memory_limit: str | None = None
    threads: int | None = None
    seed: int | None = None
    csv: Csv = field(default_factory=Csv)
    path: Path | None = None

    def __post_init__(self) -> None:
        if self.salt == "":
            raise InputError("the salt is empty; give a text that others cannot guess, or none")
        understood(self.fail_over, self.thresholds, self.judge or "lower")

    def compare(self, p: Any, q: Any = None) -> TableComparison:
        """P and Q, or Q alone against the reference, compared as these settings say."""
        if q is None:
            if self.reference is None:
                raise InputError("one table alone is compared with a reference, and the settings name none")
            p, q = load(self.reference), p
        return compare_tables(
            p,
            q,
            columns=self.columns,
            exclude=self.exclude,
            joint=self.joint,
            by=self.by,
            every=self.every,
            groups=self.groups,
            weights=self.weights,
            csv=self.csv,
            private=self.hides,
            memory_limit=self.memory_limit,
            threads=self.threads,
            seed=self.seed or 0,
        )

    @property
    def hides(self) -> bool | str:
        """Whether texts are hashed, or the salt they are hashed with; a salt alone asks for it too."""
        return False if self.private is False else self.salt or bool(self.private)

    @property
    def judges(self) -> bool:
        """Whether there is a threshold."""
        return self.fail_over is not None or bool(self.thresholds)

    def verdict(self, found: TableComparison) -> Verdict:
        """What these settings' thresholds say of a comparison."""
        return found.verdict(
            self.fail_over,
            thresholds=self.thresholds,
            judge=self.judge or "lower",  # type: ignore[arg-type]  # checked where it is used
            allow_missing_columns=bool(self.allow_missing_columns),
            allow_type_change=bool(self.allow_type_change),
        )

    def check(self, found: TableComparison) -> Verdict:
        """Raise CheckError where a comparison does not pass these settings' thresholds."""
        return self.verdict(found).required()


def settings(path: str | os.PathLike[str] | None = None) -> Settings:
    """The settings of a file; without a path those of this folder's kullback.toml, or pyproject.toml, if there are any.

    Parameters
    ----------
    path : path, optional
        A TOML file; of one named pyproject.toml, the table [tool.kullback] is read. Files that it names are looked
        for from its own folder.

    Raises
    ------
    InputError
        The file does not exist, is no TOML, or has a key or a value that is not understood.

    Examples
    --------
    >>> from pathlib import Path
    >>> import polars as pl
    >>> import kullback as kl
    >>> folder = getfixture("tmp_path")
    >>> _ = Path(folder, "kullback.toml").write_text('''
    ... exclude = ["id"]
    ... fail-over = 0.1
    ... [thresholds]
    ... colour = 1.0
    ... ''')
    >>> rules = kl.tables.settings(folder / "kullback.toml")
    >>> p = pl.DataFrame({"id": range(100), "colour": ["red"] * 50 + ["blue"] * 50})
    >>> q = pl.DataFrame({"id": range(900, 1000), "colour": ["red"] * 90 + ["blue"] * 10})
    >>> rules.check(rules.compare(p, q)).passed
    True
    """
    if path is None:
        for name in (FILE, PROJECT):
            if Path(name).is_file():
                return _understood(Path(name), required=name == FILE)
        return Settings()
    return _understood(Path(path), required=True)


def _understood(file: Path, required: bool) -> Settings:
    try:
        data: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the settings {str(file)!r}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the settings {str(file)!r} are no TOML: {error}") from None
    if file.name == PROJECT:
        data = data.get("tool", {}).get("kullback")
        if data is None:
            if required:
                raise InputError(f"{str(file)!r} has no table [tool.kullback]")
            return Settings()
    return replace(_settings(data, file), path=file)


def _settings(data: Mapping[str, Any], file: Path) -> Settings:
    found: dict[str, Any] = {}
    csv: dict[str, Any] = {}
    known = [f.name for f in fields(Settings) if f.name not in ("csv", "path")] + list(CSV)
    for written, given in data.items():
        key = written.replace("-", "_")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0].replace('_', '-')}? " if near else ""
            names = listing([k.replace("_", "-") for k in known], 30)
            raise InputError(f"{file}: unknown setting {written!r}; {hint}there are {names}")
        value = _value(key, given, f"{file}: {written}", file.parent)
        (csv if key in CSV else found)[key] = value
    return Settings(**found, csv=Csv(**csv))


def _value(key: str, given: Any, where: str, folder: Path) -> Any:
    if key in LISTS or key == "null":
        given = [given] if isinstance(given, str) else given
        return _of(given, where, "a list of names", isinstance(given, list) and all(isinstance(n, str) for n in given))
    if key == "thresholds":
        right = isinstance(given, dict) and all(map(_number, given.values()))
        return _of(given, where, "a table of columns and nats, such as price = 0.3", right)
    if key in PATHS:
        return folder / _of(given, where, "the name of a file", isinstance(given, str))
    if key in FLAGS:
        return _of(given, where, "true or false", isinstance(given, bool))
    if key in WHOLE:
        return _of(given, where, "a whole number", isinstance(given, int) and not isinstance(given, bool))
    if key == "fail_over":
        return _of(given, where, "a number of nats", _number(given))
    return _of(given, where, "a text", isinstance(given, str))


def _of(given: Any, where: str, what: str, right: bool) -> Any:
    if not right:
        raise InputError(f"{where} must be {what}, not {given!r}")
    return given


def _number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)


__all__ = ["Settings", "settings"]
