"""Powers of gamma variables on both sides: gamma, Weibull, chi, Lévy, Gumbel … against each other.

For (X/s)^p standard gamma of shape a under P, and (X/t)^k of shape b under Q, with ρ = k/p > 0, c = (s/t)^k,
e = ρ − 1 and u = log(c·Γ(a+ρ)/Γ(a+1)),

    KL = a·(e^u − 1 − u) + a·B(a+1, e) + B(a, b−a) + (e − log(1+e)) + (a−b)·(log c + e·ψ(a)),

where B is the Bregman divergence of log Γ. Only the last term can be negative, and it is of second order near
P = Q. It rearranges Bauckhage 2014 (arXiv 1401.6853, eq. 28), the generalised gamma against itself; for one
power it is the gamma's own form (Gil, Alajaji and Linder 2013).
"""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density, PowerGamma
from kullback.methods.closed._deviance import SMALL, bregman_log_gamma, gained, scaled, total
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_gamma_step

EPS = float(np.finfo(float).eps)


def power_gamma_pair(p: Density, q: Density) -> tuple[float, float, str] | None:
    """The value, its rounding error, and why it is infinite; None if there is no such form."""
    f, g = p.facts.power_gamma, q.facts.power_gamma
    if f is None or g is None or f.logged != g.logged:
        return None
    if f.power * g.power < 0 and f.a + g.power / f.power <= 0:
        what = "exp(x)" if f.logged else "x"
        return math.inf, 0.0, f"E_P {what}^{g.power:g} diverges, and −log q grows with it"
    value, size = _form(f, g)
    return None if math.isnan(value) else (value, 64 * EPS * size, "")


def _form(f: PowerGamma, g: PowerGamma) -> tuple[float, float]:
    a, b = f.a, g.a
    rho, e = g.power / f.power, g.steeper(f)
    apart, width = f.above(g)
    log_c, lost = g.power * apart, abs(g.power) * width
    psi = float(special.digamma(a))
    if rho < 0:
        steps = log_gamma_step(a, rho) + log_c
        grown = math.exp(steps) if steps < 709 else math.inf
        gammas = float(special.gammaln(b)), -float(special.gammaln(a))
        value, size = total(-math.log(-rho), *gammas, (a - b * rho) * psi, -b * log_c, grown, -a)
        return value, size + abs(b * rho * psi) + b * lost + grown * (1 + lost + abs(steps - log_c))
    lift = bregman_log_gamma(a + 1, a + rho, e)
    if abs(e) < 0.5:
        parts = (log_c, e * float(special.digamma(a + 1)), *lift)
    else:
        parts = (log_c, float(special.gammaln(a + rho)), -float(special.gammaln(a + 1)))
        if min(a + rho, a + 1) >= SMALL:
            parts = (log_c, log_gamma_step(a + 1, e))
    u, shaken = total(*parts)
    shaken += lost  # what rounding can move u by
    grown = a * gained(u)
    signed = (a - b) * (log_c + e * psi) if a != b else 0.0
    shapes = bregman_log_gamma(a, b, b - a)
    value, size = total(grown, *(a * t for t in lift), *shapes, scaled(rho, 1.0, e), signed)
    size += a * abs(math.expm1(min(u, 709.0))) * shaken + abs(a - b) * (lost + abs(e * psi))
    return value, size
