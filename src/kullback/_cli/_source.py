"""What P is on the command line: a file and some of its columns, or a text form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import kullback as kl
from kullback._result import InputError

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".gz")
Columns = Annotated[str | None, Parameter(help="Numeric columns of the file, separated by commas.")]
Drop = Annotated[bool, Parameter(help="Drop rows with missing values.", negative="")]


@dataclass(frozen=True, slots=True)
class Source:
    """Which columns of a file are meant."""

    columns: Columns = None
    drop_missing: Drop = False

    def load(self, text: str, label: str | None = None) -> Any:
        """A file's columns as draws, or the text form as it is."""
        if not is_file(text):
            if self.columns or label:
                raise InputError(f"--columns and --label go with a file, and {text!r} is not one")
            return text
        names = [c.strip() for c in self.columns.split(",") if c.strip()] if self.columns else None
        if not names:
            available = list(kl.read(text).columns)
            raise InputError(f"say which columns of {text} to use, for example --columns {','.join(available[:2])}")
        wanted = [*names, label] if label else names
        return kl.read(text, wanted).to_sample(names, label=label, drop_missing=self.drop_missing)

    def pair(self, p: str, q: str) -> tuple[Any, Any]:
        """P and Q, one of which may be a file."""
        if is_file(p) and is_file(q):
            raise InputError(
                "plan looks at one file and one text form; two files are compared by counting their columns"
            )
        if self.columns and not (is_file(p) or is_file(q)):
            raise InputError("--columns goes with a file, and neither P nor Q is one")
        a, b = (self.load(t) if is_file(t) else t for t in (p, q))
        return a, b


def is_file(text: str) -> bool:
    return text.lower().endswith(ENDINGS) or ("(" not in text and Path(text).is_file())
