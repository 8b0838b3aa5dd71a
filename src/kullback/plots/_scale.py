"""An axis on which the bins of a column stand to scale: as wide as they are, and as high as they are dense.

Where one bin is wider than all others together it is drawn short, and the axis says so. Where even so half of the bins
would be lines, the axis is logarithmic (for both signs: a logarithm on either side of zero); areas are shares then too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kullback._support import Array
from kullback.tables._kinds import shown, timed
from kullback.tables._partition import Partition, plainly

SHORT = 0.05  # of the axis for a bin that is drawn short
LEAST = 0.002  # of the axis for any bin, so that a single value can be seen
NEEDLE = 3.0  # times as dense as its neighbours: a value that recurs, which is cut lest all else look flat
GAPS = 3  # in a linear axis at most
CROWDED = 0.05  # of the axis for the slimmer half of the bins, at least


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Where each bin begins and ends, from 0 to 1, and what is to be told of the axis."""

    at: Array  # the n + 1 edges
    width: Array  # of each bin in the axis's own measure: shares divided by these are densities
    short: tuple[int, ...]  # the bins drawn short
    kind: str  # "linear", "logarithmic" or "both signs"
    ticks: tuple[tuple[float, str], ...]

    def heights(self, p: Array, q: Array) -> tuple[list[Array], list[int]]:
        """The densities of both sides, as parts of the highest; bins that rise above the picture are cut and named."""
        every = [np.asarray(s, dtype=float) / self.width for s in (p, q)]
        higher = np.maximum(*every)
        beside = higher.copy()
        beside[list(self.short)] = np.nan
        beside = np.pad(beside, 2, constant_values=np.nan)
        around = [np.delete(beside[i : i + 5], 2) for i in range(len(higher))]
        usual = [np.nanmedian(a) if np.isfinite(a).any() else math.inf for a in around]
        blunt = higher[higher <= NEEDLE * np.array(usual)]
        top = float(blunt.max(initial=0.0)) or float(higher.max()) or 1.0
        above = [int(i) for i in np.flatnonzero(higher > 1.001 * top)]
        return [np.minimum(e / top, 1.06) for e in every], above

    def told(self, labels: Sequence[str]) -> list[str]:
        """What is not as it seems on this axis."""
        found = []
        if self.kind != "linear":
            found.append("logarithmic axis" if self.kind == "logarithmic" else "logarithmic axis on both sides of zero")
        if self.short:
            which = ", ".join(labels[i] for i in self.short)
            found.append(f"the axis has {'a gap' if len(self.short) == 1 else 'gaps'}: {which}, drawn short (//)")
        return found


def bins(part: Any, outcomes: Sequence[str]) -> tuple[Array, Array] | None:
    """For a column that is cut into bins: the rows of its terms that are bins, and which ones. None for categories."""
    if not isinstance(part, Partition) or part.edges is None or len(part.edges) < 3:
        return None
    known = {part.label(("bin", i)): i for i in range(len(part.edges) - 1)}
    rows = [i for i, name in enumerate(outcomes) if name in known]
    return (np.array(rows), np.array([known[outcomes[i]] for i in rows])) if rows else None


def scale(part: Partition, letters: int = 48) -> Scale:
    """The axis of a column's bins, with as many ticks as have room in so many letters."""
    assert part.edges is not None
    edges, t = np.array(part.edges, dtype=float), _true(part)
    kind, t = "linear", t / (float(np.abs(t).max()) or 1.0)  # so that no difference overflows
    short = _short(np.diff(t))
    if _crowded(np.diff(t), short) and not timed(part.kind):
        kind, t = _bent(edges)
        short = _short(np.diff(t))
    width = np.maximum(np.diff(t), 1e-12 * (abs(t[-1] - t[0]) or 1.0))
    drawn = width.copy()
    whole = np.ones(len(width), dtype=bool)
    whole[list(short)] = False
    drawn[whole] *= (1 - SHORT * len(short)) / drawn[whole].sum()
    drawn[~whole] = SHORT
    drawn = np.maximum(drawn, LEAST)
    at = np.concatenate([[0.0], np.cumsum(drawn)])
    at /= at[-1]
    return Scale(at, width, short, kind, _ticks(part, edges, at, short, kind, letters))


def _true(part: Partition) -> Array:
    """Edges as places on a linear axis: days and times by the clock, whole numbers with half a unit on either side."""
    assert part.edges is not None
    first, last = part.edges[0], part.edges[-1]
    if part.kind == "integer":
        # the differences of large numbers are taken before they are rounded
        lower = [float(math.ceil(e) - math.ceil(first)) - 0.5 for e in part.edges[:-1]]
        return np.array([*lower, float(math.floor(last) - math.ceil(first)) + 0.5])
    if timed(part.kind) and part.kind != "time":
        try:
            texts = [str(shown(e, part.kind)).rstrip("Z").replace(" ", "T")[:23] for e in part.edges]
            found = np.array([np.datetime64(x, "ms").astype(np.int64) for x in texts], dtype=float)
            if (np.diff(found) > 0).all():
                return found - found[0]
        except ValueError:
            pass  # years beyond NumPy's: their own numbers are nearly to scale, as are those of less than a millisecond
    if part.kind == "number":
        return np.array(part.edges, dtype=float)
    return np.array([float(e - first) for e in part.edges])


def _short(width: Array) -> tuple[int, ...]:
    """The bins that are wider than all others together, one after the other."""
    left = list(range(len(width)))
    found: list[int] = []
    while len(left) > 2:
        widest = max(left, key=lambda i: width[i])
        if not width[widest] > sum(width[i] for i in left if i != widest):
            break
        left.remove(widest)
        found.append(widest)
    return tuple(sorted(found))


def _crowded(width: Array, short: Sequence[int]) -> bool:
    left = np.sort(np.delete(width, list(short)))
    if len(short) > GAPS:
        return True
    return len(left) > 3 and left[: len(left) // 2].sum() < CROWDED * left.sum()


def _bent(edges: Array) -> tuple[str, Array]:
    if edges[-1] <= 0:
        kind, t = _bent(-edges[::-1])
        return kind, -t[::-1]
    if edges[0] >= 0 and edges[1] > 0:
        t = np.log(np.maximum(edges, edges[1] * 1e-300))
        if edges[0] == 0:  # a bin that begins at zero is as wide as the widest of the others
            t[0] = t[1] - np.diff(t[1:]).max()
        return "logarithmic", t
    return "both signs", np.array([_signed(float(x), edges) for x in edges])


def _signed(x: float, edges: Array) -> float:
    """asinh(x/s), s a small edge: linear below it, a logarithm above, whatever the ratio."""
    if x == 0:
        return 0.0
    ratio = math.log(abs(x)) - float(np.quantile(np.log(np.abs(edges[edges != 0])), 0.1))
    return math.copysign(math.asinh(math.exp(ratio)) if ratio < 300 else ratio + math.log(2), x)


def _ticks(
    part: Partition, edges: Array, at: Array, short: Sequence[int], kind: str, letters: int
) -> tuple[tuple[float, str], ...]:
    """What bounds a bin drawn short first, then round numbers, or edges of days and times, as long as there is room."""
    assert part.edges is not None
    n = len(edges) - 1
    bounds = dict.fromkeys(i for k in short for i in (k, k + 1))
    wanted = [(float(at[i]), _text(part, i)) for i in bounds]
    if timed(part.kind):
        even = [int(np.argmin(np.abs(at - x))) for x in (0, 1, 0.5, 0.25, 0.75)]
        wanted += [(float(at[i]), _text(part, i)) for i in dict.fromkeys(even)]
    else:
        longest = min(max(len(_text(part, i)) for i in (0, n)), 8)
        places = _round(edges, short, kind, max(2, letters // (longest + 3)))
        for x, text in zip(places, _apart(places), strict=True):
            place = int(np.clip(np.searchsorted(edges, x, side="right") - 1, 0, n - 1))
            if place not in short:
                share = _within(edges, place, x, kind)
                wanted.append((float(at[place] + share * (at[place + 1] - at[place])), text))
    wanted += [(0.0, _text(part, 0)), (1.0, _text(part, n))]
    taken: list[tuple[float, float]] = []
    found = []
    for x, text in wanted:
        half = 0.5 * (len(text) + 1.5) / letters
        middle = min(max(x, half), 1 - half)
        if all(abs(middle - m) >= half + h for m, h in taken):
            taken.append((middle, half))
            found.append((x, text))
    return tuple(sorted(found))


def _within(edges: Array, place: int, x: float, kind: str) -> float:
    """How far in a bin a number lies on its axis."""
    low, high = edges[place], edges[place + 1]
    if not high > low:
        return 0.0
    if kind == "logarithmic" and high <= 0:
        return 1 - _within(-edges[::-1], len(edges) - 2 - place, -x, kind)
    if kind == "logarithmic":
        return (math.log(x) - math.log(low)) / (math.log(high) - math.log(low)) if low > 0 else float(x > low)
    if kind == "both signs":
        low, high, x = (_signed(float(v), edges) for v in (low, high, x))
    unit = max(abs(low), abs(high)) or 1.0
    return float((x / unit - low / unit) / (high / unit - low / unit))


def _round(edges: Array, short: Sequence[int], kind: str, most: int) -> list[float]:
    whole = [i for i in range(len(edges) - 1) if i not in short]
    low, high = float(edges[whole[0]]), float(edges[whole[-1] + 1])
    if kind != "linear":
        sizes = np.abs(edges[edges != 0])
        ends = math.floor(math.log10(sizes.min())), math.ceil(math.log10(sizes.max()))
        powers = range(max(ends[0], -307), min(ends[1], 308) + 1)
        step = max(1, math.ceil(len(powers) * (2 if low < 0 else 1) / most))
        found = [0.0] if low <= 0 else []
        found += [sign * 10.0**k for k in powers[::-1][::step] for sign in (1, -1)]
        return [x for x in found if low <= x <= high]
    size = max(abs(low), abs(high)) or 1.0
    rough = sum(edges[i + 1] / size - edges[i] / size for i in whole) / most * size
    power = 10.0 ** math.floor(math.log10(rough))
    unit = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.ceil(low / unit - 1e-9), math.floor(high / unit + 1e-9)
    if last - first > 50:  # between gaps: round numbers near the bins that are drawn
        near = dict.fromkeys(round(float(edges[i]) / unit) for i in whole)
        return [k * unit for k in near]
    return [float(f"{k * unit:.12g}") for k in range(first, last + 1)]


def _apart(values: Sequence[float]) -> list[str]:
    """Numbers with as few digits as tell them apart."""
    for digits in range(3, 17):
        texts = [plainly(x, digits) if abs(x) < 1e5 else f"{x:.{digits}g}" for x in values]
        if all(abs(float(t.replace("−", "-")) - x) <= 1e-9 * abs(x) for t, x in zip(texts, values, strict=True)):
            break
    return [t.replace("e+", "e").replace("-", "−") for t in texts]


def _text(part: Partition, i: int) -> str:
    assert part.edges is not None
    edge = part.edges[i]
    if part.kind == "number":
        return plainly(edge, 4)
    if part.kind == "integer":
        return str(math.floor(edge) if i == len(part.edges) - 1 else math.ceil(edge)).replace("-", "−")
    text = str(shown(edge, part.kind))
    long = timed(part.kind) and str(shown(part.edges[0], part.kind))[:8] != str(shown(part.edges[-1], part.kind))[:8]
    return text[:10] if long else text  # the hour tells nothing where there are months
