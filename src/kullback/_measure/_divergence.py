"""One number: the first method that applies and meets its tolerance."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Measured, Sample, Table
from kullback._format import listing
from kullback._measure import _batch
from kullback._measure._columns import aligned
from kullback._measure._dependence import check_periods, with_dependence
from kullback._measure._frame import reduced, with_width
from kullback._result import Divergence, InputError, KindError, NoMethodError, Plan, Status
from kullback._vocabulary import suggest
from kullback.methods import METHODS, Request, reason
from kullback.methods._mixtures import with_bracket
from kullback.methods.exact import check_table
from kullback.numerics.quiet import quiet
from kullback.sources import as_distribution

SWAP = {"P": "Q", "Q": "P", "p": "q", "q": "p"}
EPS = float(np.finfo(np.float64).eps)
DIRECTIONS = ("forward", "reverse")


@quiet
def divergence(
    p: Any,
    q: Any,
    *,
    direction: str = "forward",
    axis: int | tuple[int, ...] | None = -1,
    normalize: bool = False,
    method: str = "auto",
    tolerance: float | None = None,
    budget: int | None = None,
    seed: int = 0,
    base: None = None,
) -> Divergence:
    """The Kullback-Leibler divergence between P and Q in nats, with its method and error.

    Parameters
    ----------
    p, q : distribution
        P is the target, Q what is measured against it: an array of probabilities (its other axes are a
        batch), a dict of probabilities or a Counter, a distribution of SciPy, NumPyro, torch or TFP on JAX
        (one, or a batch), a text such as ``"normal(0, 1)"``, a data frame or path of rows, draws of ArviZ, getdist or
        anesthetic, or a kl.Discrete, kl.Density, kl.Sample, kl.Table. Columns of draws belong together by name.
    direction : {"forward", "reverse"}
        forward is KL(P‖Q) = Σ P log(P/Q); reverse is KL(Q‖P).
    axis : int, tuple of int, or None
        For arrays: the axes of one distribution; None is all of them.
    normalize : bool
        For arrays: divide each by its sum. Without it an array that does not sum to one is refused.
    method : str
        "auto", or the name of a method as `plan` lists them.
    tolerance : float, optional
        The absolute error wanted, in nats.
    budget : int, optional
        About the most points to evaluate; the first look at a density is not counted.
    seed : int
        For methods that draw.
    base : None
        Taken by none: results are in nats, `.bits` is the value to base 2, and value/log(b) that to base b.

    Returns
    -------
    Divergence
        ∞ is an answer: P has mass where Q has none, or Q's tails fall too fast. A batch on either side
        gives arrays of value, error and status; the batch shapes broadcast as NumPy's.

    Raises
    ------
    InputError
        Probabilities that are negative, NaN, infinite, or do not sum to one; shapes or labels that do not
        go together.
    KindError
        An object of no known kind.
    NoMethodError
        No method applies; the text leads with what is missing, and has each one's reason.

    Notes
    -----
    S. Kullback and R. A. Leibler, On information and sufficiency, Annals of Mathematical Statistics 22 (1951).

    Examples
    --------
    >>> import kullback as kl
    >>> kl.divergence([0.5, 0.5], [0.9, 0.1])
    KL(P‖Q) = 0.510826 nats
      bits: 0.736966
      method: exact
      error: ... nats (rounding)
      status: ok
    >>> float(kl.divergence([0.5, 0.5], [1.0, 0.0]))
    inf

    The term of a variational autoencoder, KL(posterior‖prior) of N(m, s²) against N(0, 1), is the reverse
    divergence with the prior as P, equal to ½(m² + s² − 1 − log s²):

    >>> m, s = 0.3, 0.5
    >>> prior, posterior = "normal(0, 1)", f"normal({m}, {s})"
    >>> d = kl.divergence(prior, posterior, direction="reverse")
    >>> import math
    >>> math.isclose(float(d), (m**2 + s**2 - 1 - math.log(s**2)) / 2, rel_tol=1e-14)
    True
    """
    check_direction(direction)
    if base is not None:
        raise InputError(
            f"base={base!r} is not taken: the value is in nats. The result's .bits is it to base 2; "
            "divide by math.log(base) for another"
        )
    if tolerance is not None or budget is not None or method != "auto" or seed != 0:
        check_options(method, tolerance, budget, seed)
    a, b = opened(p, "p", axis, normalize), opened(q, "q", axis, normalize)
    check_tables(a, b)
    request = Request(tolerance, budget, seed)
    if direction == "forward":
        return _any(a, b, method, request)
    try:
        return turned(_any(b, a, method, request))
    except InputError as error:
        raise InputError(_swapped(str(error))) from None


def _any(a: Measured | Batch, b: Measured | Batch, method: str, request: Request) -> Divergence:
    """KL(A‖B) of one pair or of a batch."""
    if _batch.has_members(a, b):
        formed = method in ("auto", "closed") and request.tolerance is None
        return _batch.over(a, b, lambda p, q: measure(p, q, method=method, request=request), in_closed_form=formed)
    assert not isinstance(a, Batch)
    assert not isinstance(b, Batch)
    return measure(a, b, method=method, request=request)


@quiet
def plan(
    p: Any, q: Any, *, direction: str = "forward", axis: int | tuple[int, ...] | None = -1, normalize: bool = False
) -> Plan:
    """Which method would measure this pair, and for each of the others why not; nothing is computed.

    Parameters
    ----------
    p, q, direction, axis, normalize
        As in `divergence`. For a batch of distribution objects the plan is that of the first pair.

    Examples
    --------
    >>> import kullback as kl
    >>> kl.plan("student_t(3, 0, 1)", "laplace(0, 1)").method
    'quadrature'
    """
    check_direction(direction)
    a, b = opened(p, "p", axis, normalize), opened(q, "q", axis, normalize)
    check_tables(a, b)
    names = str(a), str(b)
    if _batch.has_members(a, b):
        left, right, shape = _batch.broadcast(a, b)
        if 0 in shape:
            raise InputError(f"the batch of shape {shape} is empty; there is nothing to measure")
        a, b = left[(0,) * len(left.shape)], right[(0,) * len(right.shape)]
        names = str(a), str(b)
        names = (
            f"{names[0]}, the first of {left}" if left.shape else names[0],
            (f"{names[1]}, the first of {right}" if right.shape else names[1]),
        )
    assert not isinstance(a, Batch)
    assert not isinstance(b, Batch)
    a, b = aligned(a, b)
    _check_dimensions(a, b)
    if direction == "reverse":
        a, b = b, a
    reasons = {method.name: reason(method, a, b) for method in METHODS}
    return Plan(reasons, p=names[0], q=names[1], direction=direction)


def prepared(obj: Any, name: str, axis: int | tuple[int, ...] | None = -1, normalize: bool = False) -> Measured:
    """`obj` through the door, as one distribution or an array of tables; a table of numeric columns becomes draws."""
    found = opened(obj, name, axis, normalize)
    if isinstance(found, Batch):
        raise InputError(f"{name} is {found}; pass one at a time here. divergence measures a batch, in arrays")
    return found


def opened(obj: Any, name: str, axis: int | tuple[int, ...] | None = -1, normalize: bool = False) -> Measured | Batch:
    """`obj` through the door; a table of numeric columns becomes draws."""
    found = as_distribution(obj, name, axis=axis, normalize=normalize)
    return found.to_sample() if isinstance(found, Table) else found


def check_tables(a: Measured | Batch, b: Measured | Batch) -> None:
    """Beside a density no sum of the pair would show that an array holds draws, not probabilities."""
    if type(a) is type(b) is Discrete:
        return
    for d, name in ((a, "p"), (b, "q")):
        if isinstance(d, Discrete):
            check_table(d, name)


def measure(p: Measured, q: Measured, *, method: str = "auto", request: Request | None = None) -> Divergence:
    """KL(P‖Q) of two prepared distributions."""
    request = request or Request()
    p, q = reduced(*aligned(p, q))
    with_width(p, "p")
    with_width(q, "q")
    check_periods(p, q)
    found = _forced(p, q, method, request) if method != "auto" else _first_that_holds(p, q, request)
    return with_dependence(with_bracket(found, p, q), p, q)


def _first_that_holds(p: Measured, q: Measured, request: Request) -> Divergence:
    _check_dimensions(p, q)
    tried: list[Divergence] = []
    for candidate in METHODS:
        if reason(candidate, p, q) is not None or (candidate.random and _better_than_draws(p, tried)):
            continue
        found = candidate.estimate(p, q, request)
        tried.append(found)
        if found.status is not Status.TOLERANCE_MISSED:
            break
    if tried:
        best = min((d for d in tried if _agrees(d, tried[0])), key=_trust) if len(tried) > 1 else tried[0]
        best = best if len(tried) == 1 else _with_history(best, [d for d in tried if d is not best])
        return _with_precision(best, p, q)
    every = "; ".join(f"{m.name}: {reason(m, p, q)}" for m in METHODS)
    raise NoMethodError(f"no method measures KL of P = {p} and Q = {q}: {_what_is_missing(p, q)}. All reasons: {every}")


def _what_is_missing(p: Measured, q: Measured) -> str:
    """The reason that helps, of those of all methods."""
    for one, other, names in ((p, q, "PQ"), (q, p, "QP")):
        if isinstance(one, Discrete) and one.labels is not None and not isinstance(other, Discrete):
            shown = listing([repr(label) for label in one.labels], 3)
            lives = "is draws" if isinstance(other, Sample) else f"lives on {other.support}"
            return (
                f"the outcomes of {names[0]} are labels ({shown}) and {names[1]} {lives}; give both the same outcomes"
            )
    if isinstance(p, Density) and isinstance(q, Density) and p.support != q.support:
        return f"P lives on {p.support} and Q on {q.support}"
    last = {m.name: m for m in METHODS}[
        "monte carlo" if isinstance(p, Density) and isinstance(q, Density) else "plug-in"
    ]
    return f"{last.name} {reason(last, p, q)}"


def _agrees(found: Divergence, first: Divergence) -> bool:
    """Whether it lies within the errors of a closed form, whose error is a bound on its rounding."""
    if first.error_kind != "rounding" or not math.isfinite(float(first.value)):
        return True
    if not math.isfinite(float(found.value)):
        return False
    return bool(abs(float(found.value) - float(first.value)) <= 1.01 * (float(found.error) + float(first.error)))


def _trust(found: Divergence) -> tuple[bool, float]:
    """The least first: an ∞ that was found after a finite value does not displace it."""
    return found.status.infinite, float(found.error)


def _better_than_draws(p: Measured, tried: list[Divergence]) -> bool:
    """Whether an answer stands that draws could not better: any on the line, else a form, or good to a thousandth.

    The error of draws cannot see a tail that was never drawn, nor what an ill-conditioned density loses, so they follow
    only an answer that is poor.
    """
    known = any(p.support.dim == 1 or d.method == "closed" for d in tried)
    return known or any(float(d.error) <= 1e-3 * abs(float(d.value)) for d in tried)


def _check_dimensions(p: Measured, q: Measured) -> None:
    if type(p) is Discrete or type(q) is Discrete or p.support.dim == q.support.dim:
        return
    raise InputError(f"p has {p.support.dim} dimensions and q has {q.support.dim}; compare like with like")


def _with_history(found: Divergence, tried: list[Divergence]) -> Divergence:
    notes = tuple(f"{d.method} gave {d.value:.6g} ± {d.error:.1g}" for d in tried)
    return replace(found, notes=found.notes + notes)


def _with_precision(found: Divergence, p: Measured, q: Measured) -> Divergence:
    """A log density that came in fewer than 64 bits widens the error, and the result says so."""
    for d, name in ((p, "P"), (q, "Q")):
        if isinstance(d, Density) and d.precision > EPS and np.isfinite(found.value):
            note = f"log_prob of {name} returns {-np.log10(d.precision):.0f} digits, not 16; let it compute in float64"
            error = found.error + 4 * d.precision * (1 + abs(found.value))
            found = replace(found, error=error, notes=(*found.notes, note))
    return found


def _forced(p: Measured, q: Measured, name: str, request: Request) -> Divergence:
    for candidate in METHODS:
        if candidate.name == name:
            why = candidate.applies(p, q)
            if why is not None:
                raise NoMethodError(f"method {name!r} does not apply to P = {p}, Q = {q}: it {why}")
            first = METHODS[0]  # an integral over a gap would only say what the supports prove
            return (candidate if first.applies(p, q) else first).estimate(p, q, request)
    raise InputError(f"unknown method {name!r}; {suggest(name, ['auto', *(m.name for m in METHODS)])}")


def check_direction(direction: Any) -> None:
    if not isinstance(direction, str):
        raise KindError(f"direction must be 'forward' or 'reverse', not {direction!r}")
    if direction not in DIRECTIONS:
        raise InputError(f"direction must be 'forward' or 'reverse', not {direction!r}")


def check_options(method: Any, tolerance: Any, budget: Any, seed: Any) -> None:
    if not isinstance(method, str):
        raise KindError(f"method must be a name such as 'auto' or 'quadrature', not {method!r}")
    if tolerance is not None and not (isinstance(tolerance, int | float) and tolerance > 0):
        raise InputError(f"tolerance must be a positive number of nats, not {tolerance!r}")
    if budget is not None and not (isinstance(budget, int | np.integer) and budget > 0):
        raise InputError(f"budget must be a positive whole number of points, not {budget!r}")
    check_seed(seed)


def check_seed(seed: Any) -> None:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, not {seed!r}")


def turned(found: Divergence) -> Divergence:
    """A KL(P‖Q) as the reverse divergence of the pair that the caller gave the other way round."""
    notes, beside = tuple(_swapped(note) for note in found.notes), found.smoothed
    beside = None if beside is None else turned(beside)
    return replace(found, direction="reverse", detail=_swapped(found.detail), notes=notes, smoothed=beside)


def _swapped(text: str) -> str:
    """A detail written for KL(P‖Q), told with the names the caller gave."""
    return re.sub(r"\b[PQpq]\b", lambda found: SWAP[found[0]], text)
