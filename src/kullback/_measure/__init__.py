"""Measure a pair: either divergence, both with what they are made of, or only the plan."""

from kullback._measure._compare import compare
from kullback._measure._divergence import check_seed, divergence, measure, plan, prepared
from kullback._measure._pairwise import pairwise

__all__ = ["check_seed", "compare", "divergence", "measure", "pairwise", "plan", "prepared"]
