"""Many or mixed columns: a classifier tells P's draws from Q's, and its log odds are log p/q."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

import numpy as np

from kullback._distribution import Measured, Sample
from kullback._result import Divergence, MissingExtraError, Status
from kullback._support import Array
from kullback.methods._levels import level, tame
from kullback.methods._looks import sharing, weighted
from kullback.methods._request import Request

LEAST, MOST = 50, 50_000  # draws a side
FOLDS = 5
CROSSED = 20  # columns up to which products of two are features
ALONE = 20_000  # draws up to which one thread is as quick as several, which spin where others want the processors


class Classifier:
    """The mean over P of held-out log odds; of three classifiers the one with the least held-out log loss.

    Linear and quadratic logistic regression, and boosted trees, each cross-fitted in five folds: a draw is judged by
    a classifier that never saw it.
    """

    name = "classifier"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Sample):
                return f"needs draws on both sides; {name} is a {type(d).__name__}"
            if d.n < LEAST:
                return f"needs {LEAST} draws a side; {name} has {d.n}"
        if weighted(p, q):
            return weighted(p, q)
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
        sides = [_some(x, request.seed) for x in tame(a, b)]
        (n, m), x = (len(s) for s in sides), np.concatenate(sides)
        of_p = np.arange(len(x)) < n
        fold = _folds(n, m, request.seed)
        best, loss, which = np.zeros(len(x)), np.inf, ""
        for name, make in _classifiers(x.shape[1], request.seed).items():
            odds = _held_out(make, x, of_p, fold)
            found = float(np.logaddexp(0.0, np.where(of_p, -odds, odds)).mean())
            if found < loss:
                best, loss, which = odds, found, name
        log_ratio = best + np.log(m / n)
        on_p = log_ratio[of_p]
        variance = float(np.var(on_p)) / n + float(np.var(np.exp(log_ratio[~of_p]))) / m
        notes = (
            f"log odds of {which}, {FOLDS} folds, log loss {loss:.3g}",
            *((f"{MOST} draws a side at most, taken at random",) if max(p.n, q.n) > MOST else ()),
            "the error is that of the draws alone: how far the classifier is from the true ratio is left out, and an "
            "imperfect one mostly tells less than there is",
        )
        return Divergence(
            float(on_p.mean()), float(np.sqrt(variance)), "standard_error", method=self.name, n=n + m,
            seed=request.seed, status=Status.BIASED, notes=(*notes, *sharing(p, q)),
        )  # fmt: skip


def _some(x: Array, seed: int) -> Array:
    return x if len(x) <= MOST else x[np.random.default_rng([seed, 14]).choice(len(x), MOST, replace=False)]


def _folds(n: int, m: int, seed: int) -> Array:
    """A fold for each draw, equal shares of either side in each."""
    rng = np.random.default_rng([seed, 9])
    return np.concatenate([rng.permutation(np.arange(size) % FOLDS) for size in (n, m)])


def _held_out(make: Any, x: Array, of_p: Array, fold: Array) -> Array:
    from threadpoolctl import threadpool_limits  # which scikit-learn brings

    odds = np.empty(len(x))
    for k in range(FOLDS):
        out = fold == k
        with warnings.catch_warnings(), threadpool_limits(1 if len(x) <= ALONE else None):
            warnings.simplefilter("ignore")  # a search that ends early is judged by its log loss like any other
            odds[out] = make().fit(x[~out], of_p[~out]).decision_function(x[out])
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
