"""The final kinds of distribution: nothing else travels beyond the door.

A *Discrete* is a table of probabilities; a *Density* is a log density (or log mass on the integers) with a
support; a *Sample* is draws; a *Table* is named columns of rows. A *Batch* is an array of the first two.
"""

from kullback._distribution._batch import Batch
from kullback._distribution._callable import UserBatch, UserPoints
from kullback._distribution._checks import is_small, is_tracer, numeric_array, numeric_column, traced, unreadable
from kullback._distribution._density import Density, Facts, Tail
from kullback._distribution._discrete import Discrete
from kullback._distribution._moved import as_given, moved, translated
from kullback._distribution._power_gamma import PowerGamma
from kullback._distribution._rows import Sample, Table
from kullback._distribution._unbound import Unbound, carrier, log_slope, unbound

Distribution = Discrete | Density | Sample | Table | Batch
Measured = Discrete | Density | Sample  # a Table becomes one of these when its columns are chosen

__all__ = [
    "Batch",
    "Density",
    "Discrete",
    "Distribution",
    "Facts",
    "Measured",
    "PowerGamma",
    "Sample",
    "Table",
    "Tail",
    "Unbound",
    "UserBatch",
    "UserPoints",
    "as_given",
    "carrier",
    "is_small",
    "is_tracer",
    "log_slope",
    "moved",
    "numeric_array",
    "numeric_column",
    "traced",
    "translated",
    "unbound",
    "unreadable",
]
