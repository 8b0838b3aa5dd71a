"""What is said of draws that depend on each other or have weights, and of those that do so without being told."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from kullback._distribution import Measured, Sample
from kullback._format import listing, percent
from kullback._result import Divergence, InputError, Status
from kullback._support import Array
from kullback.methods._looks import rows
from kullback.numerics.energy import scores
from kullback.numerics.lazy import special

LEAST, LOOKED_AT = 30, 20_000  # draws from which to look, and the first ones that are looked at
LEVEL, SLIGHT = 1e-5, 0.1  # of all columns together; a correlation that changes errors by a tenth
FEW, OWNS = 10.0, 0.5  # effective draws a dimension; the weight that one row may have


def with_dependence(found: Divergence, p: Measured, q: Measured) -> Divergence:
    """The result with what its draws are worth, and what that does to it."""
    sides = [(d, name) for d, name in ((p, "P"), (q, "Q")) if isinstance(d, Sample)]
    if not sides:
        return found
    worth = min(d.effective_sample_size for d, _ in sides)
    length = max(d.correlation_length for d, _ in sides)
    found = replace(found, effective_sample_size=float(worth), correlation_length=float(length))
    said = [note for d, name in sides for note in (*d.notes, *_worth(d, name))]
    both = shared_groups(p, q)
    if len(both):
        said.append(
            f"{len(both)} groups stand on both sides ({listing([str(v) for v in both], 3)}): the error is that of "
            "their differences"
        )
    finite = math.isfinite(float(found.value))
    thin = [text for d, name in sides for text in _too_thin(d, name)]
    if thin and finite:
        said += thin
        found = replace(found, status=Status.BIASED)
    following = [(d, name, r) for d, name in sides if (r := follows(d)) > 0]
    if following and finite:
        said += [_following(d, name, r) for d, name, r in following]
        if found.status in (Status.ESTIMATED, Status.BIASED):
            found = replace(found, status=Status.DEPENDENT)
    return replace(found, notes=(*found.notes, *(note for note in said if note not in found.notes)))


def check_periods(p: Measured, q: Measured) -> None:
    """Angles against draws on a line, or of another period, are no pair."""
    if not (isinstance(p, Sample) and isinstance(q, Sample)) or p.dim != q.dim:
        return
    a, b = (np.full(d.dim, np.inf) if d.period is None else d.period for d in (p, q))
    if (a != b).any():
        i = int(np.argmax(a != b))
        raise InputError(
            f"column {i} has the period {a[i]:g} in p and {b[i]:g} in q (inf is none); give both the same period="
        )


def shared_groups(p: Measured, q: Measured) -> Array:
    """The names of the groups that stand on both sides."""
    names = [d.design.names for d in (p, q) if isinstance(d, Sample) and d.design.names is not None]
    return np.intersect1d(names[0], names[1]) if len(names) == 2 else np.zeros(0)


def _worth(d: Sample, name: str) -> tuple[str, ...]:
    if d.design.plain:
        return ()
    what = "weights" if d.weights is not None else ""
    if d.design.names is not None:
        what = listing([w for w in (what, f"{len(d.design.names)} groups") if w])
    elif d.design.chains is not None:
        number = len(d.design.chains)
        what = listing([w for w in (what, f"{number} chains" if number > 1 else "an order in time") if w])
    return (f"{name}'s {d.n} draws, with {what}, are worth {d.effective_sample_size:.4g} independent ones",)


def _too_thin(d: Sample, name: str) -> tuple[str, ...]:
    if d.design.plain:
        return ()
    largest = float(d.design.shares.max())
    if largest > OWNS:
        return (
            f"one of {name}'s {d.n} draws has {percent(largest)} of the weight: the value is that of this draw, and "
            "the error does not know it. Draws from nearer to the target would help",
        )
    if d.effective_sample_size < FEW * d.dim:
        return (
            f"{name}'s draws are worth {d.effective_sample_size:.3g} independent ones in {d.dim} dimensions, fewer "
            f"than {FEW:.0f} each: the corrections for few draws, and the error itself, are rough",
        )
    return ()


@lru_cache(maxsize=8)  # both directions ask
def follows(d: Sample) -> float:
    """The largest rank correlation of draws with those before them, if it is no chance; else 0.

    Draws that lie sorted by a column have lost their order, and one that is told needs no look.
    """
    if d.design.groups is not None or d.design.chains is not None or d.n < LEAST:
        return 0.0
    x = rows(d)[:LOOKED_AT]
    steps = np.diff(x, axis=0)
    moving = [i for i in range(d.dim) if np.ptp(x[:, i]) > 0]
    if any((steps[:, i] >= 0).all() or (steps[:, i] <= 0).all() for i in moving) or not moving:
        return 0.0
    found = _following_ranks(scores(x[:, moving]))
    chance = float(special.ndtri(1 - LEVEL / len(moving))) / math.sqrt(len(x))
    return found if found > max(SLIGHT, chance) else 0.0


def _following_ranks(z: Array) -> float:
    z = z - z.mean(axis=0)
    return float(((z[1:] * z[:-1]).sum(axis=0) / np.square(z).sum(axis=0)).max())


def _following(d: Sample, name: str, r: float) -> str:
    return (
        f"{name}'s draws were given as independent, and each follows the one before it (rank correlation {r:.2g}): the "
        'error is too small. Pass kl.Sample(x, order="time") for a series, chains= for chains, groups= if rows of one '
        "group lie together, or shuffle rows whose order means nothing"
    )
