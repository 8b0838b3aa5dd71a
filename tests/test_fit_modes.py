"""Modes that are hard to see, places to begin from, and what is said of a mode: by mass, not by its point."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import kullback as kl
from targets import density


def narrow(centre: Any, width: float, share: float) -> kl.Density:
    """(1 − share)·N(0, I) + share·N(centre, width²·I): of integral 1."""
    c = jnp.asarray(centre, float)
    d = len(c)

    def log_prob(x: Any) -> Any:
        broad = math.log(1 - share) - 0.5 * jnp.sum(x**2)
        spike = math.log(share) - 0.5 * jnp.sum((x - c) ** 2) / width**2 - d * math.log(width)
        return jnp.logaddexp(broad, spike) - 0.5 * d * math.log(2 * math.pi)

    return density(log_prob, d)


FAR = [4.0, -3, 5, 1, -2, 6]


@pytest.mark.parametrize(
    ("centre", "width", "start"),
    [
        ([6.0] * 6, 0.05, None),
        ([5.0, -5, 5, 5, -5], 0.05, None),
        ([6.0] * 12, 0.05, None),
        ([5.0, -4, 7], 0.05, None),
        (FAR, 0.3, None),
        (FAR, 0.05, np.array(FAR)),
        (FAR, 0.05, "[4, -3, 5, 1, -2, 6]"),
        (FAR, 0.05, [[0.0] * 6, FAR]),
    ],
)
def test_a_narrow_mode_is_found_or_looked_for_where_it_is_said_to_be(centre: Any, width: float, start: Any) -> None:
    fit = kl.fit(narrow(centre, width, 0.4), "normal", direction="reverse", start=start)
    assert len(fit.modes) == 2
    assert abs(fit.log_evidence) < 4 * fit.log_evidence_error
    assert fit.log_evidence_error < 0.02
    assert fit.modes[1].mass == pytest.approx(0.4, abs=0.02)
    assert [m.covered for m in fit.modes] == [True, False]


def test_independence_that_rests_on_looks_says_so() -> None:
    """With nothing hidden log Z is right to its digits, and the error still is what looks can tell."""
    fit = kl.fit(density(lambda x: -jnp.sum(x**4), 5), "normal", direction="reverse")
    assert fit.log_evidence == pytest.approx(5 * math.log(2 * math.gamma(1.25)), abs=1e-8)
    assert fit.log_evidence_error >= 1e-4
    assert fit.reverse.error >= 1e-4
    assert fit.reverse.error_kind == "estimate"
    assert "not proven" in " ".join(fit.notes)


@pytest.mark.parametrize("start", [[0.0, 1, 2], "1, 2", [[1.0, 2.0]], [0.0, 1.0, 2.0, np.nan]])
def test_a_place_of_another_shape_is_an_error(start: Any) -> None:
    with pytest.raises(kl.InputError, match="start"):
        kl.fit(density(lambda x: -jnp.sum(x**2), 4), "normal", direction="reverse", start=start)


def test_a_place_on_the_line_and_under_a_carried_family() -> None:
    p = kl.Density(
        lambda x: jnp.logaddexp(-0.5 * x**2 + jnp.log(0.5), -0.5 * ((x - 900) / 1e-3) ** 2 + jnp.log(500.0)),
        normalized=False,
    )
    fit = kl.fit(p, "normal", direction="reverse", start=900.0)
    assert fit.log_evidence == pytest.approx(0.5 * math.log(2 * math.pi), abs=1e-8)
    assert [round(m.mass, 6) for m in fit.modes] == [0.5, 0.5]
    gammas = density(lambda x: jnp.sum(2 * jnp.log(x) - x), 3, support=[(0, np.inf)] * 3)
    carried = kl.fit(gammas, 'carried("normal")', direction="reverse", start=[1.0, 2.0, 3.0])
    assert carried.log_evidence == pytest.approx(3 * math.log(2), abs=1e-3)
    with pytest.raises(kl.InputError, match="no density under P"):
        kl.fit(gammas, 'carried("normal")', direction="reverse", start=[-1.0, 2.0, 3.0])


def test_a_good_fit_in_fifty_dimensions_covers() -> None:
    """At the mode q < p/100, where P has no mass; 1/(1 + s) of q's spread in every coordinate."""
    p = density(lambda x: -0.5 * 59 * jnp.log1p(jnp.sum(x**2) / 9), 50)
    fit = kl.fit(p, "normal", direction="forward")
    q = fit.q
    assert q.log_prob(np.zeros(50)) < -0.5 * 50 * math.log(2 * math.pi)
    assert fit.regime == "covering"
    assert fit.modes[0].missed < 0.2


def test_the_point_of_greatest_density_is_not_the_mass_around_it() -> None:
    """x | τ ~ N(0, τ): the density grows without end as τ falls, where P has nothing."""

    def log_prob(u: Any) -> Any:
        t = jnp.exp(u[-1])
        return -0.5 * t**2 + u[-1] - 0.5 * jnp.sum((u[:-1] / t) ** 2) - 6 * u[-1]

    fit = kl.fit(density(log_prob, 7), "normal", direction="reverse")
    assert fit.regime == ("seeking" if fit.missed > 0.5 else "covering")
    assert fit.modes[0].missed == pytest.approx(fit.missed, abs=0.01)


def test_on_the_line_a_basin_is_missed_by_its_mass() -> None:
    """The share of each basin, and their sum."""
    p = "0.9*normal(0, 1) + 0.1*normal(8, 0.5)"
    forward = kl.fit(p, "normal", direction="forward")
    assert [m.covered for m in forward.modes] == [True, True]
    reverse = kl.fit(p, "normal", direction="reverse")
    assert [m.covered for m in reverse.modes] == [True, False]
    assert reverse.missed == pytest.approx(sum(m.mass * m.missed for m in reverse.modes), abs=1e-6)
