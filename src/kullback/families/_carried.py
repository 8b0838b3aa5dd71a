"""A family carried to the support of the target by the bijection of that support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kullback._result import InputError
from kullback._support import Interval, Support
from kullback.families._base import Family


@dataclass(frozen=True, repr=False)
class Carried:
    """A family of the whole line or space, carried to where the target lives.

    The bijection is the exponential towards (0, ∞), the logistic function towards (a, b), the mirrored exponential
    towards (−∞, b), and one for each coordinate of a box. Parameters are those of the family before it is carried, and
    the modes of P that a Fit tells are those of the coordinates without ends.

    Parameters
    ----------
    family : str or kl.families object
        A family of densities: normal, laplace, student_t or mixture(K).
    support : pair, optional
        Where the members live; without it they live where the target does.

    Examples
    --------
    >>> import kullback as kl
    >>> fit = kl.fit("gamma(2, 3)", kl.families.Carried("normal"), direction="reverse")
    >>> fit.q.family, round(fit.reverse.value, 6)
    ('log_normal', 0.041341)
    """

    family: Any
    support: Support | None = None

    def __post_init__(self) -> None:
        from kullback.families import as_family

        base = as_family(self.family)
        if not isinstance(base, Family):
            raise InputError(f"Carried takes a family of densities on the whole line or space, not {base}")
        object.__setattr__(self, "family", base)
        support: Any = self.support
        if isinstance(support, tuple | list) and len(support) == 2:
            object.__setattr__(self, "support", Interval(float(support[0]), float(support[1])))
        elif support is not None and not isinstance(support, Support):
            raise InputError(f"support must be (low, high), not {support!r}")

    def __str__(self) -> str:
        names = {Interval(0.0): "log_normal", Interval(0.0, 1.0): "logit_normal"}
        if str(self.family) == "normal" and self.support in names:
            return names[self.support]
        if self.support is None:
            return (
                f"carried({str(self.family)!r})".replace("'", '"')
                if '"' not in str(self.family)
                else (f"carried('{self.family}')")
            )
        return f"{self.family} carried to {self.support}"

    def __repr__(self) -> str:
        return f"kl.families: {self}"
