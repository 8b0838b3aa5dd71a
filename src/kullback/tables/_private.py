"""Texts of the data as hashes: what a comparison stores and shows where its values must stay where they are.

The engine counts the values themselves, within this process. What is kept of them (labels, references, slices, notes)
is a hash each, made here before anything is stored or shown.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from kullback._result import InputError, TableComparison
from kullback.tables._cells import Key
from kullback.tables._kinds import kind, uncountable, value
from kullback.tables._partition import Partition
from kullback.tables._reference import Reference
from kullback.tables._rows import rows
from kullback.tables._sides import Side

DIGITS = 16  # hexadecimal, of a hash
MOST = 1_000_000  # different texts of a column that are hashed one by one to be found in a reference
_DONE = "\ue000"  # in front of a hash whose text is not in the table at hand
_HASHED = re.compile(rf"{_DONE}[0-9a-f]{{{DIGITS}}}")
_LISTED = re.compile(r"Enum\(.*?\]\)", re.DOTALL)  # a type that lists its values


@dataclass(frozen=True, slots=True)
class Seal:
    """A text → the first sixteen digits of its SHA-256; with a salt, of its HMAC-SHA256 under it."""

    salt: str = ""

    def __call__(self, text: str) -> str:
        if _HASHED.fullmatch(text):
            return text[1:]
        data = text.encode("utf-8", "surrogatepass")
        if not self.salt:
            return hashlib.sha256(data).hexdigest()[:DIGITS]
        return hmac.new(self.salt.encode("utf-8", "surrogatepass"), data, "sha256").hexdigest()[:DIGITS]

    @property
    def mark(self) -> str:
        """What a reference keeps, so that hashes of another salt are not taken for other values."""
        return self("kullback")


def sealing(private: bool | str) -> Seal | None:
    """What `private=` asks for; None where texts are shown."""
    if isinstance(private, bool):
        return Seal() if private else None
    if not isinstance(private, str) or not private:
        raise InputError(f"private must be True, False or a salt, a text that is not empty; not {private!r}")
    return Seal(private)


@contextmanager
def unquoted(seal: Seal | None) -> Iterator[None]:
    """Errors without values: an engine's own words may quote them."""
    if seal is None:
        yield
        return
    try:
        yield
    except InputError as error:
        words = str(error)
        if error.__cause__ is not None:
            words = f"{words.split(':')[0]}; what the engine says may quote values, and is not shown (private)"
        raise InputError(_LISTED.sub("Enum", words)) from None


def marked(parts: Mapping[str, Partition], seal: Seal | None) -> dict[str, Partition]:
    """Partitions whose texts are shown as hashes."""
    return {n: replace(p, seal=seal) if p.kind == "text" and seal is not None else p for n, p in parts.items()}


def sealed(reference: Reference, seal: Seal | None) -> Reference:
    """A reference that holds hashes in the place of texts."""
    if seal is None or reference.private is not None:
        return reference
    return replace(_mapped(reference, dict.fromkeys(reference.partitions, seal)), private=seal.mark)


def opened(reference: Reference, table: Side, seal: Seal | None) -> Reference:
    """A reference as this table can be counted on it: hashes of texts that the table has become these texts again."""
    if reference.private is None:
        return replace(reference, partitions=marked(reference.partitions, seal))
    if seal is None:
        raise InputError(
            f"the reference {reference.name} holds hashes in the place of texts; compare with --private too "
            "(private=True), or make one without"
        )
    if reference.private != seal.mark:
        raise InputError(
            f"the reference {reference.name} was made with another salt, so that no text would be found in it; give "
            "the one that it was made with (--salt, private=salt), or none if it had none"
        )
    known = {n: _texts(table, n, seal) for n, p in reference.partitions.items() if p.kind == "text"}

    def raw(column: str) -> Any:
        return lambda v: known[column].get(v, _DONE + v)

    found = _mapped(reference, {n: raw(n) for n in known})
    return replace(found, partitions=marked(found.partitions, seal))


def _texts(table: Side, column: str, seal: Seal) -> dict[str, str]:
    """The different texts of a column by their hashes."""
    if column not in table.schema or uncountable(table, column, "") or kind(table, column, "q") != "text":
        return {}
    frame = table.frame.select(value(table, column, "text").alias("x")).unique()
    found = rows(frame.head(MOST + 1))
    if len(found) > MOST:
        raise InputError(
            f"column {column!r} of {table.name} has more than {MOST:,} different texts, which private would hash "
            "one by one to find them in the reference; leave it out (--exclude, exclude=)"
        )
    return {seal(str(x)): str(x) for (x,) in found if x is not None and x == x}


def _mapped(reference: Reference, each: Mapping[str, Any]) -> Reference:
    """The same reference with every text of some columns in another form."""
    partitions, counts = dict(reference.partitions), dict(reference.counts)
    for name, part in partitions.items():
        if part.kind == "text" and name in each:
            change = each[name]
            values = tuple(sorted(change(v) for v in part.values or ()))
            partitions[name] = replace(part, values=values, seal=None)
            counts[name] = {_changed(k, change): n for k, n in counts[name].items()}
    return replace(reference, partitions=partitions, counts=counts)


def _changed(key: Key, change: Any) -> Key:
    return ("value", change(key[1])) if key[0] == "value" else key


def hidden(found: TableComparison, seal: Seal | None) -> TableComparison:
    """A comparison without a text of the data, and a note that says so."""
    if seal is None:
        return found
    slices = [replace(s, key=seal(s.key)) if isinstance(s.key, str) else s for s in found.slices]
    if any(isinstance(s.key, str) for s in slices):
        slices.sort(key=lambda s: (s.key is None, str(s.key)))  # the order of the texts tells of them too
    how = "HMAC-SHA256, under the salt given" if seal.salt else "SHA-256"
    note = f"private: texts are shown as the first {DIGITS} digits of their {how}"
    return replace(
        found,
        slices=tuple(slices),
        different_types=tuple((n, _LISTED.sub("Enum", a), _LISTED.sub("Enum", b)) for n, a, b in found.different_types),
        left_out=tuple((n, _LISTED.sub("Enum", why)) for n, why in found.left_out),
        notes=(*found.notes, note),
        reference=sealed(found.reference, seal),
    )


__all__ = ["Seal", "hidden", "marked", "opened", "sealed", "sealing", "unquoted"]
