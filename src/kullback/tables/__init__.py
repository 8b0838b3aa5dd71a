"""Two tables compared on the engine that holds their rows; only counts and sums leave it."""

from kullback.tables._compare import compare_tables, count
from kullback.tables._csv import Csv
from kullback.tables._moments import Moments, moments
from kullback.tables._reference import Reference, load
from kullback.tables._settings import Settings, settings

__all__ = ["Csv", "Moments", "Reference", "Settings", "compare_tables", "count", "load", "moments", "settings"]
