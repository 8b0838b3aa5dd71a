"""What makes a density a power of a gamma variable."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kullback.numerics.lazy import special
from kullback.numerics.masses import log_gamma_step
from kullback.numerics.terms import log_ratio

Part = tuple[float, float, bool]


@dataclass(frozen=True, slots=True)
class PowerGamma:
    """exp(power·(log X − loc)) is a standard gamma variable of shape a; `logged` if the variable is log X itself.

    loc is the sum of coefficient·log value (or ·value) over `parts`, which hold the parameters as they were given:
    so the difference of two locs that almost agree keeps its digits. `width` is 1/power where that was given.
    """

    a: float
    power: float
    parts: tuple[Part, ...]
    logged: bool = False
    width: float | None = None

    @property
    def loc(self) -> float:
        return math.fsum(self._terms)

    def above(self, other: PowerGamma) -> tuple[float, float]:
        """The loc of this one less that of the other, and the size of what was added up."""
        if [(c, in_log) for c, _, in_log in self.parts] != [(c, in_log) for c, _, in_log in other.parts]:
            terms = [*self._terms, *(-t for t in other._terms)]
        else:
            pairs = zip(self.parts, other.parts, strict=True)
            terms = [c * (log_ratio(v, w) if in_log else v - w) for (c, v, in_log), (_, w, _) in pairs]
        return math.fsum(terms), math.fsum(abs(t) for t in terms)

    @property
    def _terms(self) -> list[float]:
        return [c * (math.log(v) if in_log else v) for c, v, in_log in self.parts]

    def steeper(self, other: PowerGamma) -> float:
        """This one's power over the other's, less one."""
        if self.width is not None and other.width is not None:
            return (other.width - self.width) / self.width
        return (self.power - other.power) / other.power

    def moment(self, k: float) -> float:
        """E X^k; ∞ where it diverges, NaN where it is beyond the doubles."""
        step = k / self.power
        if self.a + step <= 0:
            return math.inf
        shape = log_gamma_step(self.a, step)
        if k * self.loc + shape > 709:
            return math.nan
        try:  # the factors as they are: in logarithms a large scale would cost digits
            scale = math.prod(v ** (c * k) if in_log else math.exp(c * k * v) for c, v, in_log in self.parts)
            found = scale * math.exp(shape)
        except (OverflowError, ZeroDivisionError):
            found = math.inf
        return found if 0 < found < math.inf else math.exp(k * self.loc + shape)

    @property
    def log_mean(self) -> float:
        return self.loc + float(special.digamma(self.a)) / self.power

    @property
    def log_variance(self) -> float:
        return float(special.polygamma(1, self.a)) / self.power / self.power  # the square may leave the doubles

    @property
    def log_entropy(self) -> float:
        """The entropy of log X."""
        a = self.a
        if a < 1e3:
            inner = a + float(special.gammaln(a)) - a * float(special.digamma(a))
        else:  # Stirling's series of the three, whose large parts cancel
            inner = 0.5 * math.log(2 * math.pi / a) + 0.5 + 1 / (6 * a) - 1 / (90 * a**3)
        return inner - math.log(abs(self.power))
