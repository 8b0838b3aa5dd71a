"""Writes docs/pairs.md, the table of closed forms, from the code: `python docs/pairs.py`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import kullback as kl  # noqa: E402
from cases import MEMBERS, SPACE_MEMBERS  # noqa: E402
from kullback._distribution import Density  # noqa: E402
from kullback.methods.closed import rule  # noqa: E402
from kullback.methods.closed._same import SAME  # noqa: E402
from kullback.methods.closed._space import FORMS, WITH_SPREADS  # noqa: E402
from kullback.sources import as_distribution  # noqa: E402

RULES = ("own form", "powers of gamma variables", "moment rule", "bijection")
HEAD = """# Pairs with a closed form

This page is written by `docs/pairs.py` from the code; a test keeps it so. P stands left. Every other pair is
measured by a sum, an integral or draws: see [how it works](how.md).

- *Own form*: written for the pair, arranged so that equal parameters give exactly 0 and no digit is lost near them.
- *Powers of gamma variables*: (x/s)^p is a gamma variable under both sides, or its logarithm is; one formula for all.
- *Moment rule*: log q needs only means that P knows; KL = −entropy(P) − E_P log q.
- *Bijection*: both sides are carried by the same map, here exp, the logistic function or a power.

A pair whose answer is ∞ for these parameters counts, as the form says so.
"""


def main() -> None:
    target = ROOT / "docs" / "pairs.md"
    target.write_text(page(), encoding="utf-8")


def page() -> str:
    rows = table()
    number = sum(len(qs) for found in rows.values() for qs in found.values())
    lines = [HEAD, f"{number} pairs of {len(rows)} families.", "", f"| P | {' | '.join(RULES)} |", "|---" * 5 + "|"]
    for p, found in rows.items():
        cells = (", ".join(found.get(name, [])) for name in RULES)
        lines.append(f"| **{p}** | {' | '.join(cells)} |")
    lines += ["", "## Sources", "", "| pair | form |", "|---|---|"]
    for family, form in SAME.items():
        lines.append(f"| {family} ‖ itself | {_first_line(form)} |")
    for (p, q), form in {**FORMS, **{(f, f): form for f, form in WITH_SPREADS.items()}}.items():
        lines.append(f"| {p} ‖ {'itself' if p == q else q} | {_first_line(form)} |")
    return "\n".join(lines) + "\n"


def table() -> dict[str, dict[str, list[str]]]:
    """P → rule → Qs, for the first members between which the rule applies."""
    densities: dict[str, list[Density]] = {}
    for name, texts in {**MEMBERS, **{k: [v] for k, v in SPACE_MEMBERS.items()}}.items():
        made = [as_distribution(text, name) for text in texts]
        densities[name] = [d for d in made if isinstance(d, Density)]
    rows: dict[str, dict[str, list[str]]] = {}
    for p, mine in densities.items():
        found: dict[str, list[str]] = {}
        for q, others in densities.items():
            name = next((r for a in mine for b in others if (r := _rule(a, b))), "")
            if name:
                found.setdefault(name, []).append(q)
        rows[p] = found
    return rows


def _rule(p: Density, q: Density) -> str:
    if p.support.dim != q.support.dim:
        return ""
    reasons = kl.plan(p, q).reasons
    if reasons["support"] is None:
        return ""
    return rule(p, q) or ("bijection" if reasons["bijection"] is None else "")


def _first_line(form: object) -> str:
    text = inspect.getdoc(form) or "the textbook form, regrouped as a deviance"
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


if __name__ == "__main__":
    main()
