"""What the columns of text files hold, found for both sides at once: one understanding of one table.

A text file says nothing of its types. Each column is read as text, and what all its values can be is asked of the
engine: whole numbers, numbers, days and times in one of a few ways to write them. A column that the other side holds
as text stays text; days that can be read in two ways are read in the way that serves both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kullback.tables._csv import Csv
from kullback.tables._rows import SMALL

MARKS = ("NA", "N/A", "null", "NULL", "None")  # of what is missing, in a column of numbers or times
SAMPLE = 1000  # values that tell what a text looks like
DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f")
WHOLE = ["BIGINT", "HUGEINT", "DOUBLE"]  # what a column of BIGINT is
LOOKS = (
    (
        re.compile(r"[+-]?\d{1,3}([,.' ]\d{3})+([.,]\d+)?"),
        "numbers with marks between thousands (write them without), or with decimal commas (--decimal ,)",
    ),
    (re.compile(r"[+-]?\d+,\d+"), 'numbers with decimal commas; --decimal , (Csv(decimal=",")) reads them'),
    (re.compile(r"[+-]?([€$£¥₩]|[A-Z]{3}) ?[\d.,]+|[+-]?[\d.,]+ ?([€$£¥₩]|[A-Z]{3})"), "amounts with a currency"),
    (re.compile(r"[+-]?[\d.,]+ ?%"), "percentages; write them as numbers"),
)
TOGETHER, FIRSTS = 4, 32  # columns asked for in one query, whose planning grows faster than they do
MOSTLY = 0.9  # of the values of a column that are numbers: then the others are named


@dataclass(slots=True)
class TextTable:
    """A text file in a table of DuckDB's own, all its columns text."""

    connection: Any
    table: str
    columns: list[str]  # those that are text still; a folder's own, month=3, have types
    others: list[str]
    csv: Csv
    side: str
    private: bool = False  # notes quote no value
    quoted: bool = False  # texts are marked as such, as in JSON: only times are looked for
    forms: dict[str, list[str]] = field(default_factory=dict)  # what each column may be, the best first
    notes: list[str] = field(default_factory=list)
    _empty: set[str] = field(default_factory=set)
    _only_marks: set[str] = field(default_factory=set)
    _marked: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Find the forms of every column, from its first value and then from all of them."""
        if self.columns:
            with self._plainly():
                self._look()

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Of few rows an answer takes less than DuckDB takes to think about how to find it."""
        n = self.connection.execute(f"select count(*) from {self.table}").fetchall()[0][0]
        if n <= SMALL:
            self.connection.execute("pragma disable_optimizer")
        try:
            yield
        finally:
            if n <= SMALL:
                self.connection.execute("pragma enable_optimizer")

    def _look(self) -> None:
        row = self._firsts()
        wanted = {n: _possible(v.strip(), self.csv) if v else [] for n, v in zip(self.columns, row, strict=True)}
        if self.quoted:
            wanted = {n: [f for f in forms if "%" in f or f in _TIMES] for n, forms in wanted.items()}
        self._hold({n: forms[:1] if forms[:1] == WHOLE[:1] else forms for n, forms in wanted.items()})
        self.forms |= {n: WHOLE for n, forms in self.forms.items() if forms == WHOLE[:1]}
        self._hold({n: f for n, f in wanted.items() if f[:1] == WHOLE[:1] and not self.forms[n]})
        for name, first in zip(self.columns, row, strict=True):
            if self.forms[name] and self._marked[name]:
                marks = ", ".join(MARKS)
                self.notes.append(f"{name}: {marks} stand for what is missing among numbers or times")
            elif not self.forms[name] and first and not self.quoted:
                self._tell(name, first.strip())

    def _firsts(self) -> list[str | None]:
        """Of each column a value that may tell what it is."""
        found: list[str | None] = []
        for start in range(0, len(self.columns), FIRSTS):
            some = map(_quoted, self.columns[start : start + FIRSTS])
            asked = ", ".join(f"any_value({x}) filter ({x} not in ({_marks()}))" for x in some)
            found += self.connection.execute(f"select {asked} from {self.table}").fetchall()[0]
        return found

    def _hold(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Of the forms that are asked for, those that all values of the column have."""
        names = list(wanted)
        for start in range(0, len(names), TOGETHER):
            self._hold_some({n: wanted[n] for n in names[start : start + TOGETHER]})

    def _hold_some(self, wanted: Mapping[str, Sequence[str]]) -> None:
        asked, values_of = [], []
        for i, (name, forms) in enumerate(wanted.items()):
            values_of += [f"{_quoted(name)} as x{i}", f"{_value(_quoted(name))} as v{i}"]
            asked += [f"count(x{i})", f"count(v{i})"]
            asked += [f"count(*) filter ({_holds(f'v{i}', form, self.csv)})" for form in forms]
        source = f"(select {', '.join(values_of)} from {self.table})"
        answer = iter(self.connection.execute(f"select {', '.join(asked)} from {source}").fetchall()[0])
        for name, forms in wanted.items():
            n, values = next(answer), next(answer)
            self.forms[name] = [form for form in forms if next(answer) == values and values]
            self._marked[name] = n - values
            if not values:
                (self._only_marks if n else self._empty).add(name)

    def _tell(self, name: str, first: str) -> None:
        """Why a column that looks like numbers is text."""
        x = _quoted(name)
        look = next((what for pattern, what in LOOKS if pattern.fullmatch(first)), None)
        if look is not None:
            few = f"select {x} from {self.table} where {x} is not null limit {SAMPLE}"
            values = [v.strip() for (v,) in self.connection.execute(few).fetchall()]
            for pattern, what in LOOKS:
                if all(pattern.fullmatch(v) for v in values):
                    self.notes.append(f"{name} looks like {what}; it was compared as text")
                    return
        number = _holds(f"trim({x})", "DOUBLE", self.csv)
        asked = f"select count({x}), count(*) filter ({number}), any_value({x}) filter (not ({number}))"
        n, numbers, odd = self.connection.execute(f"{asked} from {self.table}").fetchall()[0]
        if MOSTLY * n <= numbers < n:
            such = "" if self.private else f", such as {odd!r}"
            self.notes.append(
                f"{name} is text: {n - numbers:,} of its {n:,} values no number{such}; "
                "what stands for a missing value can be named with --null (Csv(null=…))"
            )

    def typed(self, forms: Mapping[str, str]) -> Any:
        """The relation with every column in its form; the text itself is dropped."""
        if not any(forms.get(name) for name in self.columns):
            return self.connection.table(self.table)
        parts = [_quoted(n) for n in self.others]
        for name in self.columns:
            x, form = _quoted(name), forms.get(name, "")
            plain = f"trim({x})" if not self._marked.get(name) else _value(x)
            parts.append(f"{_cast(plain, form, self.csv)} as {x}" if form else x)
        target = f"{self.table}_typed"
        self.connection.execute(f"create table {target} as select {', '.join(parts)} from {self.table}")
        self.connection.execute(f"drop table {self.table}")
        return self.connection.table(target)


def settle(tables: Sequence[TextTable | None], known: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The form of each column of each text table; `known` has the kinds of the sides that have types already."""
    for table in tables:
        if table is not None:
            table.look()
    chosen: list[dict[str, str]] = []
    for i, table in enumerate(tables):
        forms: dict[str, str] = {}
        for name in table.columns if table is not None else ():
            assert table is not None
            mine = table.forms.get(name, [])
            others = [t for j, t in enumerate(tables) if j != i and t is not None and name in t.columns]
            kinds = [k[name] for j, k in enumerate(known) if j != i and name in k]
            forms[name] = _agreed(table, name, mine, others, kinds)
        chosen.append(forms)
    return chosen


def _agreed(table: TextTable, name: str, mine: list[str], others: Sequence[TextTable], kinds: Sequence[str]) -> str:
    if name in table._empty or name in table._only_marks:  # nothing in it speaks against the other side's form
        theirs = [t.forms[name][0] for t in others if t.forms.get(name)]
        return theirs[0] if theirs else _OF_KIND.get(kinds[0].split(" ")[0], "") if kinds else ""
    if not mine or "text" in kinds:
        return ""
    both = mine
    for other in others:
        theirs = other.forms.get(name, [])
        both = [form for form in both if form in theirs] or both
    best = both[0]
    if "%" in best:
        also = [form for form in both[1:] if "%" in form and len(form) == len(best)]
        doubt = f"; {also[0]} would do as well, and --date-format decides" if also else ""
        table.notes.append(f"{name}: read as {best}{doubt}")
    return best


_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIME", "INTERVAL")
_OF_KIND = {
    "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "datetime": "TIMESTAMP", "instant": "TIMESTAMPTZ", "time": "TIME",
    "duration": "INTERVAL",
}  # fmt: skip


def _possible(first: str, csv: Csv) -> list[str]:
    """The forms that a column with this value may have, what says most first."""
    if first.lower() in ("true", "false"):
        return ["BOOLEAN"]
    if csv.date_format is not None and _reads(first, csv.date_format):
        return [csv.date_format]
    if _ISO.match(first):
        return ["DATE", "TIMESTAMP", "TIMESTAMPTZ"]
    if _DAY.match(first):
        return [day + clock for day in DAYS for clock in CLOCKS if _reads(first, day + clock)]
    if _CLOCK.match(first):
        return ["TIME"]
    if _SPAN.match(first):
        return ["INTERVAL"]
    try:
        float(first.replace(",", ".") if csv.decimal == "," else first)
    except ValueError:
        return []
    # the longer integers are looked at where a value is no BIGINT; where all are they hold too
    return ["DOUBLE"] if set(first.lower()) & set(".,ex") else ["BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"]


def _reads(text: str, form: str) -> bool:
    """Whether a text is as long as days of this form are; that it is one is for the engine to say."""
    pattern = "".join(_PARTS.get(part, re.escape(part)) for part in re.split("(%.)", form))
    return re.fullmatch(pattern, text) is not None or (form not in DAYS and bool(re.search("%[^dmyYHMSf]", form)))


_ISO, _DAY = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}")
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?$")
_SPAN = re.compile(r"-?\d+ days? [+]?\d\d:\d\d:\d\d(\.\d+)?$")  # as pandas writes them
_PARTS = {f"%{part}": r"\d{1,2}" for part in "dmyHMS"} | {"%Y": r"\d{4}", "%f": r"\d{1,6}"}


def _holds(x: str, form: str, csv: Csv) -> str:
    """The condition that a value has a form."""
    if form == "BOOLEAN":
        return f"lower({x}) in ('true', 'false')"
    if form == "DATE":
        return f"{x} like '____-__-__' and try_cast({x} as date) is not null"
    if form == "TIMESTAMP":
        return f"{x} like '____-__-__%' and not {_zoned(x)} and try_cast({x} as timestamp) is not null"
    if form == "TIMESTAMPTZ":
        return f"{x} like '____-__-__%' and {_zoned(x)} and try_cast({x} as timestamptz) is not null"
    if form == "TIME":
        return f"{x} like '%_:__%' and try_cast({x} as time) is not null and not contains({x}, '-')"
    if form == "INTERVAL":
        read = f"try_cast(replace({x}, ' +', ' ') as interval)"
        return f"regexp_matches({x}, {_text(_SPAN.pattern)}) and {read} is not null"
    if "%" in form:
        years = f" and not regexp_matches({x}, '\\d{{4}}')" if "%y" in form else ""  # which the engine would take
        return f"try_strptime({x}, {_text(form)}) is not null{years}"
    # zeros in front make a number of a post office, not of arithmetic
    plain = f"not contains({x}, '_') and not ({x} like '0_%' and {x} not like '0.%' and {x} not like '0e%')"
    if form == "DOUBLE":
        y = _decimal(x, csv)
        return f"try_cast({y} as double) is not null and {plain.replace(x, y)} and not starts_with(lower({x}), '0x')"
    whole = f"not contains({x}, '.') and not contains(lower({x}), 'e') and not contains(lower({x}), 'x')"
    return f"try_cast({x} as {form.lower()}) is not null and {whole} and {plain}"


def _zoned(x: str) -> str:
    return f"regexp_matches({x}, '(Z|[+-]\\d\\d(:?\\d\\d)?)$') and length({x}) > 10"


def _decimal(x: str, csv: Csv) -> str:
    """A number with a point; where the mark is a comma, a point makes it none."""
    return f"(case when contains({x}, '.') then null else replace({x}, ',', '.') end)" if csv.decimal == "," else x


def _cast(value: str, form: str, csv: Csv) -> str:
    if "%" in form:
        clock = any(part in form for part in ("%H", "%I"))
        return f"cast(strptime({value}, {_text(form)}) as {'timestamp' if clock else 'date'})"
    if form == "INTERVAL":
        return f"cast(replace({value}, ' +', ' ') as interval)"
    return f"cast({_decimal(value, csv) if form == 'DOUBLE' else value} as {form})"


def _value(x: str) -> str:
    return f"(case when {x} in ({_marks()}) then null else trim({x}) end)"


def _marks() -> str:
    return ", ".join(_text(mark) for mark in MARKS)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
