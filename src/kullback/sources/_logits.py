"""Masses whose object holds logits: log p and log(1 − p) come from them, not from a rounded probability."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback import _vocabulary
from kullback._distribution import Density, Discrete, Facts
from kullback._support import Array
from kullback.numerics import masses
from kullback.numerics.lazy import special


def build(word: str, held: dict[str, Any]) -> Density | Discrete:
    """The distribution of that word. Where 1 − p would round, its log mass is written in the logits."""
    held = dict(held)
    logits = held.pop("logits")
    if np.ndim(logits):
        weights = np.exp(logits - np.max(logits))
        return _vocabulary.build(word, kwargs={**held, "probs": weights / weights.sum()})
    plain = _vocabulary.build(word, kwargs={**held, "probs": special.expit(min(logits, 36.0))})
    if logits <= 0 or word not in LOG_MASSES or not isinstance(plain, Density):
        return plain
    log_p, log_not_p = -math.log1p(math.exp(-logits)), -(logits + math.log1p(math.exp(-logits)))
    numbers = {k: float(v) for k, v in held.items()}
    formula = LOG_MASSES[word]
    support = plain.support

    def log_prob(k: Array) -> Array:
        inside = support.contains(k)  # type: ignore[union-attr]
        return np.where(inside, formula(np.where(inside, k, 0.0), log_p, log_not_p, **numbers), -np.inf)

    facts = Facts(moments=plain.facts.moments, tails=plain.facts.tails, sample=plain.facts.sample)
    name = f"{word}(logits={logits:g})"
    return Density(log_prob, support=support, vectorized=True, facts=facts, name=name)


def _bernoulli(k: Array, log_p: float, log_not_p: float) -> Array:
    return np.where(k > 0, log_p, log_not_p)


def _binomial(k: Array, log_p: float, log_not_p: float, total_count: float) -> Array:
    choose = -np.log1p(total_count) - special.betaln(total_count - k + 1, k + 1)
    return np.asarray(choose + k * log_p + (total_count - k) * log_not_p)


def _geometric(k: Array, log_p: float, log_not_p: float) -> Array:
    return log_p + k * log_not_p


def _negative_binomial(k: Array, log_p: float, log_not_p: float, total_count: float) -> Array:
    choose = masses.log_gamma_steps(k + 1, total_count - 1) - special.gammaln(total_count)
    return np.asarray(choose + k * log_p + total_count * log_not_p)


LOG_MASSES: dict[str, Callable[..., Array]] = {
    "bernoulli": _bernoulli,
    "binomial": _binomial,
    "geometric": _geometric,
    "negative_binomial": _negative_binomial,
}
