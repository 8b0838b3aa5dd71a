"""What the forms of normals, t and Wishart share: two factors compared, in twice the precision where it is needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._result import InputError
from kullback._support import Array
from kullback.numerics.factors import EXACTLY, Compared
from kullback.numerics.terms import excess

# an error beside its value that needs no second look, of few dimensions and of many, and one beside none
FEW, ENOUGH, OF_MANY, NOTHING = 64, 1e-11, 1e-9, 1e-20


def grown(found: Compared) -> float:
    """½(tr Σ₂⁻¹Σ₁ − d − log det Σ₂⁻¹Σ₁) = Σ(Eᵢᵢ − log(1 + Eᵢᵢ)) + ½|E|²."""
    return float(excesses(found.diagonal, found.ratio).sum()) + 0.5 * found.size**2


def excesses(e: Array, ratio: Array) -> Array:
    """e − log(1 + e) with 1 + e = ratio: from e where it is small, from the ratio where 1 + e would cancel."""
    near = np.abs(e) < 0.5
    return np.where(near, excess(np.where(near, e, 0.0)), e - np.log(ratio))


def refined(measured: Callable[[bool], tuple[float, float]], dim: int) -> tuple[float, float]:
    """`measured(exactly)`, value and error: in twice the precision if that is quick and doubles lose digits."""
    value, error = measured(False)
    if value == np.inf:
        raise InputError("the divergence of P and Q is finite but beyond the doubles, 1.8e308; bring them to one scale")
    enough = ENOUGH if dim <= FEW else OF_MANY
    if error <= (enough * abs(value) if value else NOTHING) or dim > EXACTLY:
        return value, error
    finer = measured(True)
    return finer if finer[1] < error else (value, error)
