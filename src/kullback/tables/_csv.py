"""How text files are written, as far as it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kullback._result import InputError


@dataclass(frozen=True, slots=True)
class Csv:
    """What is known of text files; what is not said is found out from the files themselves.

    Parameters
    ----------
    decimal : str, optional
        The decimal mark, "." or ",".
    delimiter : str, optional
        What parts the fields.
    encoding : str, optional
        Such as "utf-8", "latin-1" or "utf-16".
    date_format : str, optional
        How days are written, such as "%d.%m.%Y"; with hours, "%H:%M", in it: how times are.
    null : str or sequence of str
        What stands for a missing value beside the empty field, such as "NA"; without it only the empty field does.
    """

    decimal: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    date_format: str | None = None
    null: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise InputError(f'decimal must be "." or ",", not {self.decimal!r}')
        if self.delimiter is not None and not 1 <= len(self.delimiter) <= 4:
            raise InputError(f"delimiter must be one to four letters, not {self.delimiter!r}")
        if self.date_format is not None and "%" not in self.date_format:
            raise InputError(f'date_format must name its parts, as "%d.%m.%Y" does, not {self.date_format!r}')

    @property
    def missing(self) -> list[str]:
        return ["", *([self.null] if isinstance(self.null, str) else self.null)]

    def given(self) -> dict[str, Any]:
        """The options of DuckDB's reader."""
        found: dict[str, Any] = {"na_values": self.missing}
        return found if self.delimiter is None else {**found, "delimiter": self.delimiter.replace("\\t", "\t")}
