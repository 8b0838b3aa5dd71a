"""A full normal, reverse, on public posteriors: against their reference draws, and against more draws.

Four of the eight serve the quick run, three regressions and a hierarchy; the rest are slow.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import kullback as kl
from kullback._fit.space._oracle import Oracle
from kullback._fit.space._reverse import _search
from kullback._fit.space._rules import BLOCKS, Draws
from kullback.families import Base
from posteriors import NAMES, posterior

MEAN_EACH, MEAN_MEDIAN, SD_MEDIAN = 0.03, 0.015, 0.03  # root mean squares over the coordinates, in reference sds
SAME = 0.02  # sds between an optimum and that on 2¹⁶ draws
LARGE = 1 << 16
QUICK = ("eight_schools", "kid_momiq", "mesquite_logvolume", "sblrc")


def told(fit: kl.Fit) -> tuple[np.ndarray, np.ndarray]:
    return fit.q.parameters["loc"], np.sqrt(np.diag(fit.q.parameters["covariance_matrix"]))


@cache
def fitted(name: str) -> kl.Fit:
    return kl.fit(posterior(name).density, "normal", direction="reverse")


@pytest.mark.parametrize("names", [QUICK, pytest.param(NAMES, marks=pytest.mark.slow)], ids=["quick", "all"])
def test_means_and_sds_of_the_reference(names: tuple[str, ...]) -> None:
    means, sds = [], []
    for name in names:
        p, (mean, sd) = posterior(name), told(fitted(name))
        means.append(float(np.sqrt(np.mean(((mean - p.mean) / p.sd) ** 2))))
        sds.append(float(np.sqrt(np.mean((sd / p.sd - 1) ** 2))))
        assert fitted(name).status is kl.Status.STATIONARY
        assert means[-1] <= MEAN_EACH, (name, means[-1])
    assert np.median(means) <= MEAN_MEDIAN
    assert np.median(sds) <= SD_MEDIAN


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_the_optimum_is_that_of_many_more_draws(name: str) -> None:
    mean, sd = told(fitted(name))
    covariance = fitted(name).q.parameters["covariance_matrix"]
    family = kl.families.Normal()
    base = Base(mean, np.linalg.cholesky(covariance))
    rule = Draws(len(mean), LARGE // BLOCKS, 77, 9)
    theta, *_ = _search(rule.whole(Oracle(posterior(name).density), family, base), family.unit(len(mean)))
    d = len(mean)
    moved = base.base @ theta[:d] / sd
    assert np.abs(moved).max() <= SAME


@pytest.mark.parametrize(
    "name",
    [
        "kid_momiq",
        "mesquite_logvolume",
        "sblrc",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("arma", "gp_regr")),
    ],
)
def test_forward_moments_are_the_references(name: str) -> None:
    """10,000 reference draws know a mean to 0.01 sd and an sd to 0.7 %; four of those and the fit's own error."""
    p = posterior(name)
    mean, sd = told(kl.fit(p.density, "normal", direction="forward"))
    assert np.abs((mean - p.mean) / p.sd).max() <= 4 * np.hypot(0.01, 0.01)
    assert np.abs(sd / p.sd - 1).max() <= 4 * np.hypot(0.007, 0.01)


def test_both_divergences_come_with_log_z_and_what_weights_are_worth() -> None:
    fit = fitted("kid_momiq")
    assert 0 < fit.reverse.value < 0.01
    assert 0 < fit.forward.value < 0.01
    assert fit.reverse.error_kind == "standard_error"
    assert fit.log_evidence == pytest.approx(-1880.2956, abs=6 * fit.log_evidence_error)
    assert min(fit.effective_sample_size) > 0.95 * 2048
    assert fit.pareto_k < 0.7
    found = fit.to_dict()["importance"]
    assert found["effective_sample_size"]["n"] == 2048
    assert "corrected" in found["meaning"]
    assert "log evidence" in repr(fit)
