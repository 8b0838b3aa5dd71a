"""Which family is one step richer."""

from __future__ import annotations

from kullback.families._base import Family
from kullback.families._lattice import LatticeFamily
from kullback.families._location import Laplace, Normal, StudentT
from kullback.families._mixture import Mixture


def richer(family: Family | LatticeFamily) -> Family | None:
    """diagonal normal → normal → mixture(2) → mixture(3) …; laplace → student_t → mixture(2)."""
    if isinstance(family, Normal):
        return Mixture(2) if family.full else Normal()
    if isinstance(family, Laplace):
        return StudentT()
    if isinstance(family, StudentT):
        return Mixture(2)
    return Mixture(family.count + 1) if isinstance(family, Mixture) and family.components else None
