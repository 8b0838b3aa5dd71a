"""Both directions and what they are made of."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Measured
from kullback._measure._columns import aligned
from kullback._measure._divergence import check_seed, check_tables, measure, prepared, turned
from kullback._measure._frame import reduced
from kullback._measure._samples import SUMMED, standing, summary, tested
from kullback._measure._spread import spread
from kullback._result import Comparison, Divergence, SupportReport, Terms
from kullback._support import Array, Box, Interval, Lattice, is_subset
from kullback._vocabulary import mixture
from kullback.methods import Request, _line, _space, lattice
from kullback.methods.exact import Pair, log_probs
from kullback.methods.lattice import LatticeSum, as_lattice
from kullback.methods.quadrature import Quadrature
from kullback.methods.support import outside
from kullback.numerics import kernel
from kullback.numerics.quadrature import integrate
from kullback.numerics.quiet import quiet
from kullback.numerics.terms import gain

LINE_POINTS, PLANE_POINTS = 601, 121


@quiet
def compare(
    p: Any,
    q: Any,
    *,
    axis: int | tuple[int, ...] | None = -1,
    normalize: bool = False,
    tolerance: float | None = None,
    seed: int = 0,
) -> Comparison:
    """Both divergences of P and Q, the entropies behind them, and where each direction pays.

    Parameters
    ----------
    p, q, axis, normalize, tolerance, seed
        As in `divergence`.

    Returns
    -------
    Comparison
        forward and reverse divergences with their errors, entropies and cross-entropies
        (KL = cross-entropy − entropy), Jensen-Shannon, Jeffreys, the supports, and the terms; all in nats. For two
        samples also the p-value of no difference, and what it looked at: of independent draws, or of such as go
        together in the way that was said of them.

    Examples
    --------
    >>> import kullback as kl
    >>> c = kl.compare({"a": 0.5, "b": 0.5}, {"a": 0.9, "b": 0.1})
    >>> round(c.forward.value, 6), round(c.reverse.value, 6), round(c.jensen_shannon, 6)
    (0.510826, 0.368064, 0.101749)
    >>> c.terms["outcome"]
    ['a', 'b']
    """
    check_seed(seed)
    a = prepared(p, "p", axis, normalize)
    b = prepared(q, "q", axis, normalize)
    check_tables(a, b)
    a, b = aligned(a, b)
    request = Request(tolerance, None, seed)
    forward = measure(a, b, request=request)
    reverse = turned(measure(b, a, request=request))
    found = tested(a, b, seed)
    names, level, how = (str(a), str(b)), found and found.p_value, found.how if found else ""
    if (numbers := summary(a, b, seed)) is not None:
        unknown = SupportReport(str(a.support), str(b.support), math.nan, math.nan)
        note = f"entropies and Jensen-Shannon by nearest neighbours, {SUMMED} draws a side at most, without their error"
        forward = replace(forward, notes=(*forward.notes, note))
        terms = (lambda: _terms_of(*standing(a, b, seed))) if a.support.dim <= 2 else None
        return Comparison(forward, reverse, *numbers, unknown, terms, *names, p_value=level, test=how)
    f, g = standing(a, b, seed)
    if f is None or g is None:
        report = SupportReport(str(a.support), str(b.support), math.nan, math.nan)
        return Comparison(forward, reverse, math.nan, math.nan, math.nan, report, None, *names, p_value=level, test=how)
    by = _discrete(f, g, forward, reverse) if isinstance(f, Discrete) and isinstance(g, Discrete) else None
    by = by or _densities(f, g, forward, reverse, seed)
    return replace(by, p=names[0], q=names[1], p_value=level, test=how)


def _terms_of(f: Measured | None, g: Measured | None) -> Terms | None:
    """Those of the mixtures that stand for draws, if both are to be had."""
    if not (isinstance(f, Density) and isinstance(g, Density)):
        return None
    return _plane_terms(f, g) if f.support.shape else _line_terms(f, g)


def _discrete(a: Discrete, b: Discrete, forward: Divergence, reverse: Divergence) -> Comparison:
    pair = Pair(a, b)
    if any(pair.logits):
        log_p, log_q = (
            log_probs(pair.p, pair.logits[0], "p", pair),
            log_probs(pair.q, pair.logits[1], "q", pair),
        )
        p, q = np.exp(log_p), np.exp(log_q)
    else:
        p, q = pair.p, pair.q
    p, q = np.broadcast_arrays(p, q)
    only_p = _share(p, q, pair.axis)
    only_q = _share(q, p, pair.axis)
    support = SupportReport(str(a.support), str(b.support), only_p, only_q)
    terms = (lambda: _discrete_terms(p, q, pair)) if p.ndim == 1 else None
    return Comparison(
        forward,
        reverse,
        kernel.entropy(p, pair.axis),
        kernel.entropy(q, pair.axis),
        kernel.jensen_shannon(p, q, pair.axis),
        support,
        terms,
        str(a),
        str(b),
    )


def _share(p: Any, q: Any, axis: Any) -> Any:
    """The share of P's mass where Q has none."""
    share = np.where(q == 0, p, 0).sum(axis=axis, dtype=float) / p.sum(axis=axis, dtype=float)
    return float(share) if np.ndim(share) == 0 else share


def _discrete_terms(p: Any, q: Any, pair: Pair) -> Terms:
    p = np.asarray(p, dtype=float) / math.fsum(p)
    q = np.asarray(q, dtype=float) / math.fsum(q)
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log(q)
    forward, reverse = gain(log_p, log_q), gain(log_q, log_p)
    names = list(pair.labels) if pair.labels is not None else np.arange(len(p))
    return Terms(
        {
            "outcome": names,
            "p": p,
            "q": q,
            "information_p": -log_p,
            "information_q": -log_q,
            "forward": forward,
            "reverse": reverse,
            "forward_share": _shares(forward),
            "reverse_share": _shares(reverse),
        }
    )


def _shares(terms: Array) -> Array:
    """Each term over their sum; where that is infinite, the infinite terms share it equally."""
    infinite = np.isinf(terms)
    if infinite.any():
        return infinite / infinite.sum()
    total = math.fsum(terms)
    return terms / total if total > 0 else np.zeros_like(terms)


def _densities(a: Measured, b: Measured, forward: Divergence, reverse: Divergence, seed: int) -> Comparison:
    names, supports = (str(a), str(b)), (str(a.support), str(b.support))
    counting = [d.support.measure == "counting" for d in (a, b)]
    if counting[0] != counting[1]:
        report = SupportReport(*supports, 1.0, 1.0)
        return Comparison(forward, reverse, math.nan, math.nan, math.log(2), report, None, *names)
    if counting[0] and not a.support.shape:
        f, g = as_lattice(a), as_lattice(b)
    else:
        assert isinstance(a, Density)
        assert isinstance(b, Density)
        f, g = (_normalised(d) for d in (a, b))
    if f.support.shape:
        return _in_space(f, g, forward, reverse, names, supports, seed)
    f, g = reduced(f, g)
    report = SupportReport(*supports, _outside(f, g), _outside(g, f))
    terms = lambda: _line_terms(f, g)  # noqa: E731
    unit = math.log(f.facts.view[1])
    return Comparison(
        forward, reverse, entropy(f) + unit, entropy(g) + unit, jensen_shannon(f, g), report, terms, *names
    )


def _in_space(
    f: Density,
    g: Density,
    forward: Divergence,
    reverse: Divergence,
    names: tuple[str, str],
    supports: tuple[str, str],
    seed: int,
) -> Comparison:
    found = spread(f, g, seed)
    if found.note:
        forward = replace(forward, notes=(*forward.notes, found.note))
    report = SupportReport(*supports, *found.outside)
    flat = all(isinstance(d.support, Box) and d.dim == 2 and _space.serves(d) == "" for d in (f, g))
    terms = (lambda: _plane_terms(f, g)) if flat else None
    return Comparison(forward, reverse, *found.entropies, found.jensen_shannon, report, terms, *names)


def _normalised(d: Density) -> Density:
    if not d.support.shape:
        return _line.normalise(d)[0]
    return _space.normalise(d)[0] if _space.serves(d) == "" else d


def entropy(f: Density) -> float:
    """−E log f in nats: stated, or by the same sums and integrals as the divergences."""
    if f.facts.entropy is not None:
        return f.facts.entropy
    if isinstance(f.support, Lattice):
        return lattice.entropy(f)
    support = _line.interval(f)

    def rows(x: Array) -> Array:
        y = _line.checked(f, x, "P")
        return -gain(y, np.zeros_like(y))[None]

    return float(integrate(rows, support.low, support.high, _line.landmarks(f)).value[0])


def jensen_shannon(f: Density, g: Density) -> float:
    """½KL(P‖M) + ½KL(Q‖M) with M = ½(P + Q)."""
    middle = mixture([0.5, 0.5], [f, g])
    method = LatticeSum() if isinstance(f.support, Lattice) else Quadrature()
    return 0.5 * sum(float(method.estimate(d, middle, Request()).value) for d in (f, g))


def _outside(f: Density, g: Density) -> float:
    """The mass of f where g has none: seen at f's own nodes."""
    if isinstance(f.support, Lattice):
        share = 0.0 if is_subset(f.support, g.support) else outside(f, g)[0]
        if not (g.facts.components or g.facts.landmarks):
            return share  # there are no holes
        x, _ = lattice.points(f, 1 << 20)
        x = x[g.support.contains(x)]  # type: ignore[union-attr]
        return share + math.fsum(np.exp(f._log_prob(x))[g._log_prob(x) == -np.inf])
    if g.facts.underflows:
        return math.nan
    x, w = _line.nodes(f, rtol=1e-6)
    if isinstance(g.support, Interval):
        x_low, x_high = g.support.low, g.support.high
        edges = np.array([e for e in (x_low, x_high) if math.isfinite(e)])
        inside = _line.interval(f)
        if len(edges):

            def rows(t: Array) -> Array:
                lost = g._log_prob(t) == -np.inf
                return np.where(lost, np.exp(f._log_prob(t)), 0.0)[None]

            breaks = np.union1d(_line.landmarks(f), edges)
            return float(integrate(rows, inside.low, inside.high, breaks, rtol=1e-9, atol=1e-12).value[0])
    return float(w[g._log_prob(x) == -np.inf].sum())


def _line_terms(f: Density, g: Density) -> Terms:
    if isinstance(f.support, Lattice):
        x = np.union1d(lattice.points(f, 4096)[0], lattice.points(g, 4096)[0])
        kept = (np.exp(f._log_prob(x)) > 1e-12) | (np.exp(g._log_prob(x)) > 1e-12)
        x = x[kept]
    else:
        x = line_window(f, g)
    log_p, log_q = f._log_prob(x), g._log_prob(x)
    loc, unit = f.facts.view
    terms = {"p": np.exp(log_p), "q": np.exp(log_q), "forward": gain(log_p, log_q), "reverse": gain(log_q, log_p)}
    return Terms({"x": loc + unit * x, **{name: values / unit for name, values in terms.items()}})


def line_window(*densities: Density, points_wanted: int = LINE_POINTS) -> Array:
    """Evenly spaced points over where any of the densities stands out."""
    lows, highs = [], []
    for d in densities:
        x, w = _line.nodes(d, rtol=1e-6)
        order = np.argsort(x)
        x, mass = x[order], np.cumsum(w[order])
        low, q1, q3, high = np.interp([5e-4, 0.25, 0.75, 1 - 5e-4], mass, x)
        lows.append(max(low, q1 - 6 * (q3 - q1)))  # a heavy tail would leave nothing of the middle to see
        highs.append(min(high, q3 + 6 * (q3 - q1)))
    return np.linspace(min(lows), max(highs), points_wanted)


def _plane_terms(f: Density, g: Density) -> Terms:
    grid = plane_window(f, g)
    log_p, log_q = f._log_prob(grid), g._log_prob(grid)
    columns = {"x": grid[:, 0], "y": grid[:, 1], "p": np.exp(log_p), "q": np.exp(log_q)}
    return Terms({**columns, "forward": gain(log_p, log_q), "reverse": gain(log_q, log_p)})


def plane_window(*densities: Density, side: int = PLANE_POINTS) -> Array:
    """A grid of side² points over where any of the densities stands out, the first coordinate outermost."""
    lows: list[list[float]] = []
    highs: list[list[float]] = []
    for d in densities:
        x, w = _space.nodes(d, 1e-6)
        for store, level in ((lows, 1e-3), (highs, 1 - 1e-3)):
            row = []
            for axis in range(2):
                order = np.argsort(x[:, axis])
                row.append(float(np.interp(level, np.cumsum(w[order]), x[order, axis])))
            store.append(row)
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    margin = 0.08 * (high - low)
    axes = [np.linspace(a, b, side) for a, b in zip(low - margin, high + margin, strict=True)]
    return np.column_stack([m.ravel() for m in np.meshgrid(*axes, indexing="ij")])
