"""Many or mixed columns: a classifier tells P's draws from Q's, and its log odds are log p/q."""

from __future__ import annotations

import importlib.util
import math
import warnings
from typing import Any

import numpy as np

from kullback._distribution import Measured, Sample
from kullback._result import Divergence, MissingExtraError, Status
from kullback._support import Array
from kullback.methods._levels import level, tame
from kullback.methods._looks import circle, plain, sharing
from kullback.methods._request import Request
from kullback.numerics.dependence import joint

LEAST, MOST = 50, 50_000  # draws a side
FOLDS = 5
WITHIN = 5  # correlation lengths of a stretch that falls into one fold
CROSSED = 20  # columns up to which products of two are features
ALONE = 20_000  # draws up to which one thread is as quick as several, which spin where others want the processors


class Classifier:
    """The mean over P of held-out log odds; of three classifiers the one with the least held-out log loss.

    Linear and quadratic logistic regression, and boosted trees, each cross-fitted in five folds: a draw is judged by
    a classifier that never saw it, nor another of its group or nearby in time.
    """

    name = "classifier"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Sample):
                return f"needs draws on both sides; {name} is a {type(d).__name__}"
            if d.n < LEAST:
                return f"needs {LEAST} draws a side; {name} has {d.n}"
        if importlib.util.find_spec("sklearn") is None:
            return 'needs scikit-learn: pip install "kullback[learn]", in a clone: pip install ".[learn]"'
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Sample)
        assert isinstance(q, Sample)
        if importlib.util.find_spec("sklearn") is None:
            raise MissingExtraError("scikit-learn", "learn", "the classifier")
        a, b = level(p, q)
        assert isinstance(a, Sample)
        assert isinstance(b, Sample)
        kept = [_kept(d, request.seed) for d in (p, q)]
        sides = [_turned(x[i], circle(p, q)) for x, i in zip(tame(a, b), kept, strict=True)]
        designs = [d.design.some(i) for d, i in zip((p, q), kept, strict=True)]
        (n, m), x = (len(s) for s in sides), np.concatenate(sides)
        of_p = np.arange(len(x)) < n
        simple, weight = plain(p, q), np.concatenate([d.shares * d.n for d in designs])
        fold = _folds(n, m, request.seed) if simple else _together((p, q), kept, request.seed)
        best, loss, which = np.zeros(len(x)), np.inf, ""
        for name, make in _classifiers(x.shape[1], request.seed).items():
            odds = _held_out(make, x, of_p, fold, None if simple else weight)
            found = float((weight * np.logaddexp(0.0, np.where(of_p, -odds, odds))).mean())
            if found < loss:
                best, loss, which = odds, found, name
        log_ratio = best + np.log(m / n)
        on_p, on_q = log_ratio[of_p], np.exp(log_ratio[~of_p])
        variance, freedom = joint(designs[0], on_p, designs[1], -on_q)
        notes = (
            f"log odds of {which}, {FOLDS} folds, log loss {loss:.3g}",
            *((f"{MOST} draws a side at most, taken at random",) if max(p.n, q.n) > MOST else ()),
            "the error is that of the draws alone: how far the classifier is from the true ratio is left out, and an "
            "imperfect one mostly tells less than there is",
        )
        return Divergence(
            float(designs[0].mean(on_p)), float(np.sqrt(variance)), "standard_error", method=self.name, n=n + m,
            seed=request.seed, status=Status.BIASED, notes=(*notes, *sharing(p, q)),
            degrees_of_freedom=freedom if np.isfinite(freedom) else None,
        )  # fmt: skip


def _turned(x: Array, period: Array | None) -> Array:
    """Cosines and sines of angles in the place of them."""
    if period is None:
        return x
    on = np.isfinite(period)
    turns = 2 * np.pi * x[:, on] / period[on]
    return np.concatenate([x[:, ~on], np.cos(turns), np.sin(turns)], axis=1)


def _kept(d: Sample, seed: int) -> Array:
    """The numbers of the draws that are looked at; of draws in an order a stretch of each chain would be too few."""
    if d.n <= MOST:
        return np.arange(d.n)
    if d.design.chains is not None:
        return np.arange(0, d.n, -(-d.n // MOST))
    found = np.random.default_rng([seed, 14]).choice(d.n, MOST, replace=False)
    return found if d.design.plain else np.sort(found)


def _folds(n: int, m: int, seed: int) -> Array:
    """A fold for each draw, equal shares of either side in each."""
    rng = np.random.default_rng([seed, 9])
    return np.concatenate([rng.permutation(np.arange(size) % FOLDS) for size in (n, m)])


def _together(sides: tuple[Sample, Sample], kept: list[Array], seed: int) -> Array:
    """As `_folds`, where what depends on each other falls into one fold: groups, on both sides too, and stretches."""
    rng = np.random.default_rng([seed, 9])
    blocks = [d.design.blocks(WITHIN * math.ceil(d.correlation_length))[i] for d, i in zip(sides, kept, strict=True)]
    names = [d.design.names for d in sides]
    if names[0] is not None and names[1] is not None:
        every, where = np.unique(np.concatenate([names[0], names[1]]), return_inverse=True)
        where = where.reshape(-1)
        of = rng.permutation(np.arange(len(every)) % FOLDS)[where]
        return np.concatenate([of[: len(names[0])][blocks[0]], of[len(names[0]) :][blocks[1]]])
    return np.concatenate([rng.permutation(np.arange(int(b.max()) + 1) % FOLDS)[b] for b in blocks])


def _held_out(make: Any, x: Array, of_p: Array, fold: Array, weight: Array | None = None) -> Array:
    from threadpoolctl import threadpool_limits  # which scikit-learn brings

    odds = np.empty(len(x))
    for k in range(FOLDS):
        out = fold == k
        with warnings.catch_warnings(), threadpool_limits(1 if len(x) <= ALONE else None):
            warnings.simplefilter("ignore")  # a search that ends early is judged by its log loss like any other
            made = make()
            told = {} if weight is None else {_weighing(made): weight[~out]}
            odds[out] = made.fit(x[~out], of_p[~out], **told).decision_function(x[out])
    return odds


def _classifiers(d: int, seed: int) -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    found: dict[str, Any] = {
        "a linear logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
        "boosted trees": lambda: HistGradientBoostingClassifier(
            max_iter=100, max_leaf_nodes=15, early_stopping=True, random_state=seed
        ),
    }
    if d <= CROSSED:
        found["a quadratic logistic regression"] = lambda: make_pipeline(
            StandardScaler(),
            PolynomialFeatures(2, include_bias=False),
            StandardScaler(),
            LogisticRegression(C=0.3, max_iter=300),
        )
    return found


def _weighing(made: Any) -> str:
    """The argument of `fit` that takes weights: that of the last step where there are several."""
    return f"{made.steps[-1][0]}__sample_weight" if hasattr(made, "steps") else "sample_weight"
