"""What comes out: results, their status, and the errors."""

from kullback._result._column import ColumnComparison, CountDivergence
from kullback._result._comparison import Comparison, SupportReport, Terms
from kullback._result._divergence import Divergence
from kullback._result._errors import CheckError, InputError, KindError, KullbackError, MissingExtraError, NoMethodError
from kullback._result._fit import Advice, Coverage, Fit, Mode, Optimum
from kullback._result._importance import Importance
from kullback._result._later import Later
from kullback._result._pairwise import Pairwise
from kullback._result._path import Branch, Jump, Path
from kullback._result._plan import Plan
from kullback._result._status import Status
from kullback._result._tables import JointDivergence, SliceComparison, TableComparison
from kullback._result._verdict import Judgement, Verdict

__all__ = [
    "Advice",
    "Branch",
    "CheckError",
    "ColumnComparison",
    "Comparison",
    "CountDivergence",
    "Coverage",
    "Divergence",
    "Fit",
    "Importance",
    "InputError",
    "JointDivergence",
    "Judgement",
    "Jump",
    "KindError",
    "KullbackError",
    "Later",
    "MissingExtraError",
    "Mode",
    "NoMethodError",
    "Optimum",
    "Pairwise",
    "Path",
    "Plan",
    "SliceComparison",
    "Status",
    "SupportReport",
    "TableComparison",
    "Terms",
    "Verdict",
]
