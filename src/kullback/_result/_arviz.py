"""A fit's draws as ArviZ holds a posterior."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._result._errors import InputError, MissingExtraError


def to_arviz(fit: Any, n: int, seed: int) -> Any:
    """One chain of Q's draws by site, with log p, log q and their k̂ beside each."""
    try:
        import arviz_base
    except ImportError:
        raise MissingExtraError("arviz-base", "arviz", "to_arviz") from None
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"n must be a whole number of draws, at least 1, not {n!r}")
    x = fit.q.sample(n, seed=seed)
    target = fit.target
    sites = getattr(getattr(getattr(target, "density", None), "facts", None), "sites", None)
    posterior = {"x": x} if sites is None else sites.constrain(x.reshape(n, -1))
    stats = {"log_q": np.asarray(fit.q.log_prob(x)), "pareto_k": np.full(n, fit.pareto_k)}
    if target is not None:
        stats["lp"] = _log_p(target, x)
        stats["log_weight"] = stats["lp"] - stats["log_q"]
    chains = {
        group: {name: np.asarray(value)[None] for name, value in columns.items()}
        for group, columns in (("posterior", posterior), ("sample_stats", stats))
    }
    return arviz_base.from_dict(chains, attrs={"posterior": {"inference_library": "kullback"}})


def _log_p(target: Any, x: np.ndarray) -> np.ndarray:
    """log p as it was given, normalised or not, at draws where P lives."""
    place = getattr(target, "place", None)
    if place is not None and hasattr(place.p, "facts"):
        return np.asarray(place.p._log_prob(x))
    if hasattr(target, "oracle"):
        return np.asarray(target.oracle.values(x.reshape(len(x), -1)))
    return np.asarray(target.density._log_prob(x)) + getattr(target, "log_z", 0.0)
