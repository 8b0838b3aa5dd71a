"""Numbers and names as the page writes them."""

from __future__ import annotations

import html
import math

from kullback._format import visible
from kullback._result import CountDivergence
from kullback._result._column import brief

SURE = 0.05  # of the adjusted p-values: at most this, and a column differs surely


def told(text: str) -> str:
    """A text of the data as HTML that shows it, in elements and in attributes."""
    return html.escape(visible(text), quote=True)


def named(name: str) -> str:
    """The name of a column, whatever way its letters run; one without letters can be seen."""
    return f"<bdi>{told(name) or '&#39;&#39;'}</bdi>"


def interval(d: CountDivergence) -> str:
    """The 95 % interval in words."""
    low, high = d.best_interval
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    return f"at least {brief(low)}" if math.isinf(high) else f"{brief(low)} – {brief(high)}"


def rank(x: float) -> float:
    """A number to rank by, what is none last."""
    return -math.inf if math.isnan(x) else x


def data(x: float) -> str:
    """A number for the page's own sorting."""
    return "NaN" if math.isnan(x) else "Infinity" if math.isinf(x) else f"{x:.6g}"


def cell(d: CountDivergence, name: str, label: str) -> str:
    """The number that is judged above its interval; that the shares themselves make it ∞ is said."""
    infinite = f" <small title='{told(d.detail)}'>∞ as it is</small>" if math.isinf(d.value) else ""
    return (
        f"<td class='{name}' data-label='{label}' role='cell'>{brief(d.best)}"
        f"<small>{interval(d)}</small>{infinite}</td>"
    )
