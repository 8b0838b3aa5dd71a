"""Two tables compared on the engine that holds their rows; only counts and sums leave it."""

from kullback.tables._compare import compare_tables, count
from kullback.tables._moments import Moments, moments
from kullback.tables._reference import Reference, load

__all__ = ["Moments", "Reference", "compare_tables", "count", "load", "moments"]
