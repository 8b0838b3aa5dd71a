"""Draws on either side: a mixture of normals stands in for them, and a bootstrap gives the error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kullback._distribution import Density, Measured, Sample
from kullback._estimate import Estimate, bootstrap, density, estimate
from kullback._result import Divergence, Status
from kullback._support import Array, reals
from kullback.methods import _line, _plane
from kullback.methods._levels import level
from kullback.methods._looks import lines, look, plain, sharing
from kullback.methods._request import Request
from kullback.methods.closed import Closed
from kullback.methods.monte_carlo import MonteCarlo, draws
from kullback.methods.quadrature import Quadrature
from kullback.numerics.grids import plane, trapezoid

QUICK = 1 << 12  # points in three dimensions and more
WITHIN = (Closed(), Quadrature(), MonteCarlo())  # for the mixtures themselves


class MixturePlugIn:
    """Both sides become densities; the standard error is that of 200 bootstrap replicates of the draws."""

    name = "mixture plug-in"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        if not isinstance(p, Sample) and not isinstance(q, Sample):
            return "needs draws on at least one side"
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Sample | Density):
                return f"needs draws or a density; {name} is a {type(d).__name__}"
            if d.support != reals(d.dim):
                return f"{name} lives on {d.support}, and a mixture of normals would leak out of it"
        if lines(p, q):
            return lines(p, q)
        draws = [d for d in (p, q) if isinstance(d, Sample)]
        if not plain(*draws) and (kinds := look(*draws).kinds & {"discrete", "mixed"}):
            return f"leaves outcomes that recur to counting; the draws are {', '.join(sorted(kinds))}"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Sample | Density)
        assert isinstance(q, Sample | Density)
        shared = sharing(p, q) if isinstance(p, Sample) and isinstance(q, Sample) else ()
        p, q = level(p, q)
        sides = [
            estimate(d, seed=request.seed, side=name) if isinstance(d, Sample) else None
            for d, name in ((p, "P"), (q, "Q"))
        ]
        densities = [s.density if s is not None else d for s, d in zip(sides, (p, q), strict=True)]
        notes = (*(s.note for s in sides if s is not None), *shared)
        assert isinstance(densities[0], Density)
        assert isinstance(densities[1], Density)
        by = next(m for m in WITHIN if m.applies(densities[0], densities[1]) is None)
        found = by.estimate(densities[0], densities[1], request)
        error = float(np.hypot(found.error, self._sampling_error(sides, densities, request.seed)))
        status = found.status if found.status.infinite else Status.ESTIMATED
        return Divergence(
            found.value,
            error if np.isfinite(found.value) else 0.0,
            "standard_error",
            method=self.name,
            n=found.n,
            seed=request.seed,
            status=status,
            detail=found.detail,
            notes=notes,
        )

    @staticmethod
    def _sampling_error(sides: list[Estimate | None], densities: Sequence[Measured], seed: int) -> float:
        p, q = densities
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        variance = 0.0
        for i, side in enumerate(sides):
            if side is None:
                continue
            replicates, factor = bootstrap(side, seed=seed)
            values = []
            for r in range(len(replicates.weights)):
                moved = density(replicates, r)
                values.append(quick_divergence(moved, q) if i == 0 else quick_divergence(p, moved))
            grown = side.sample.correlation_length  # draws that depend are not drawn again as they came
            variance += grown * (factor * float(np.std(values, ddof=1))) ** 2
        return variance**0.5


def quick_divergence(p: Density, q: Density) -> float:
    """KL(P‖Q) on a fixed grid, to the four digits that a bootstrap needs."""
    x, w = quick_nodes(p)
    return float(w @ (p._log_prob(x) - q._log_prob(x)))


def quick_nodes(p: Density) -> tuple[Array, Array]:
    """Nodes around each component of a normal mixture; adaptive ones for any other density on the line."""
    if p.dim > 2:
        return draws(p, 0, QUICK)
    components = p.facts.components or ((1.0, p),)
    if any(c.facts.family not in ("normal", "multivariate_normal") for _, c in components):
        return _line.nodes(p, rtol=1e-6) if p.dim == 1 else _plane.nodes(p, 0)
    z, dz = trapezoid(49) if p.dim == 1 else plane(trapezoid(37))
    density_z = np.exp(-0.5 * (z * z if p.dim == 1 else (z * z).sum(axis=1))) * dz
    density_z = density_z / density_z.sum()
    keep = density_z > 1e-12
    z, density_z = z[keep], density_z[keep]
    xs = [_spread(z, c) for _, c in components]
    return np.concatenate(xs), np.concatenate([w * density_z for w, _ in components])


def _spread(z: Array, c: Density) -> Array:
    if c.dim == 1:
        return np.asarray(c.parameters["loc"] + c.parameters["scale"] * z)
    return np.asarray(c.parameters["loc"] + z @ c.facts.spreads[0].matrix.T)
