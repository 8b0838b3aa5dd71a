"""A fitted Q: what remains, what it covers, what it misses."""

from __future__ import annotations

import html
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from kullback._format import dumps, html_table, number, percent, plain, text_table, uncertain, vector
from kullback._result._arviz import to_arviz
from kullback._result._divergence import Divergence
from kullback._result._errors import KindError
from kullback._result._importance import Importance
from kullback._result._later import Later
from kullback._result._saved import save
from kullback._result._status import Status


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """A mode of P: where, the mass of its basin, and the share of that mass where q < 0.01·p."""

    location: Any
    mass: float
    missed: float
    label: str | None = None

    @property
    def covered(self) -> bool:
        """Whether at least half of the basin's mass lies where q ≥ 0.01·p; the mode's point alone has no mass."""
        return self.missed <= 0.5

    def to_dict(self) -> dict[str, Any]:
        return {
            "location": plain(self.location),
            "mass": self.mass,
            "missed": self.missed,
            "covered": self.covered,
            "label": self.label,
        }

    def __str__(self) -> str:
        name = f" ({self.label})" if self.label else ""
        partly = f", {percent(self.missed)} of it missed" if 0.01 <= self.missed <= 0.99 else ""
        how = "covered" if self.covered else "missed"
        return f"{vector(self.location)}{name}: {percent(self.mass)} of P, {how}{partly}"


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """missed = P{q < 0.01 p}; wasted = Q{p < 0.01 q}; both unchanged by any change of variables."""

    missed: float
    wasted: float
    modes: tuple[Mode, ...]
    error: float = 0.0

    @property
    def regime(self) -> str:
        """ "seeking" if most of what belongs to a mode of P lies in the missed set, else "covering"."""
        return "covering" if all(mode.covered for mode in self.modes) else "seeking"

    def to_dict(self) -> dict[str, Any]:
        return {
            "missed": self.missed,
            "wasted": self.wasted,
            "error": self.error,
            "modes": [m.to_dict() for m in self.modes],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """A distinct local optimum of the objective: its Q and its KL in nats."""

    q: Any
    value: float
    start: str
    gradient: float

    def __repr__(self) -> str:
        return f"{self.q} at {number(self.value)} nats, from the start {self.start!r}"


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Q fitted to P in one direction.

    Attributes
    ----------
    q : Density
        The fitted distribution: `log_prob`, `sample`, `parameters`.
    forward, reverse : Divergence
        KL(P‖Q) and KL(Q‖P) at the optimum, measured afresh; the one of `direction` is the residual.
    coverage : Coverage
        What Q misses and wastes, and the modes of P; found when it is first asked for, as `importance` is.
    method : str
        The fitter that ran; `kl.plan(p, family=...)` tells why not the others.
    optima : tuple of Optimum
        The distinct optima that were found, the best first.
    starts : tuple of str
        Where the search began.
    status : Status
        Exact, stationary, or what stopped it.
    alpha_divergence : Divergence or None
        Where `direction` is a number alpha between 0 and 1: Minka's divergence at the optimum, the residual.
    """

    q: Any
    p: str
    family: str
    direction: str | float
    forward: Divergence
    reverse: Divergence
    covered: Later[Coverage]
    optima: tuple[Optimum, ...] = ()
    starts: tuple[str, ...] = ()
    status: Status = Status.EXACT
    detail: str = ""
    notes: tuple[str, ...] = ()
    target: Any = None  # P as the fitter saw it
    problem: Any = None  # what is known of P, for the next fit of it
    alpha_divergence: Divergence | None = None
    weighed: Later[Importance | None] = Later.of(None)  # noqa: RUF009  never changed
    method: str = ""

    @property
    def coverage(self) -> Coverage:
        """What Q misses and wastes, and the modes of P."""
        return self.covered()

    @property
    def importance(self) -> Importance | None:
        """What the weights p/q say; None where Q cannot be drawn from."""
        return self.weighed()

    @property
    def sites(self) -> dict[str, dict[str, Any]]:
        """For a model's posterior: the location and scale of Q by site, on the unconstrained scale."""
        named = self._named()
        mean, covariance = self.q.facts.moments
        sd = np.sqrt(np.diag(np.atleast_2d(covariance)))
        locs, scales = named.split(np.atleast_1d(mean)), named.split(sd)
        return {name: {"loc": locs[name], "scale": scales[name]} for name in locs}

    def draws(self, n: int, *, seed: int = 0) -> dict[str, Any]:
        """For a model's posterior: `n` draws of Q by site, on each site's own support."""
        found: dict[str, Any] = self._named().constrain(self.q.sample(n, seed=seed).reshape(n, -1))
        return found

    def _named(self) -> Any:
        facts = getattr(getattr(self.target, "density", None), "facts", None)
        if facts is None or facts.sites is None:
            raise KindError("only a fit of kl.from_model(model, ...) has sites")
        return facts.sites

    @property
    def log_evidence(self) -> float:
        """log Z, the logarithm of the integral of an unnormalised P; NaN where it was not looked for."""
        return self.importance.log_evidence if self.importance is not None else math.nan

    @property
    def log_evidence_error(self) -> float:
        """The standard error of `log_evidence`."""
        return self.importance.log_evidence_error if self.importance is not None else math.nan

    @property
    def effective_sample_size(self) -> tuple[float, float]:
        """(forward, reverse): of how many draws of P those of Q are worth, as P's draws see it and as Q's own do."""
        return self.importance.effective_sample_size if self.importance is not None else (math.nan, math.nan)

    @property
    def pareto_k(self) -> float:
        """k̂, the shape of the tail of the weights p/q of Q's own draws."""
        return self.importance.pareto_k if self.importance is not None else math.nan

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.q.parameters)

    @property
    def residual(self) -> Divergence:
        """The divergence that was minimised."""
        if self.alpha_divergence is not None:
            return self.alpha_divergence
        return self.reverse if self.direction == "reverse" else self.forward

    @property
    def missed(self) -> float:
        return self.coverage.missed

    @property
    def wasted(self) -> float:
        return self.coverage.wasted

    @property
    def modes(self) -> tuple[Mode, ...]:
        return self.coverage.modes

    @property
    def regime(self) -> str:
        return self.coverage.regime

    def save(self, path: str | os.PathLike[str]) -> None:
        """The fit as one npz file, written whole or not at all; `kl.load` reads it. P is not in it.

        Raises
        ------
        InputError
            A family of your own, whose function no file holds; a folder that is not there.
        """
        save(self, path)

    def to_arviz(self, n: int = 1000, *, seed: int = 0) -> Any:
        """`n` draws of Q as an xarray.DataTree for ArviZ, one chain.

        `posterior` holds them by site, on each site's own support, or as `x`; `sample_stats` has `lp` (log p as
        it was given; on the unconstrained scale for a model), `log_q`, `log_weight`, which is
        their difference, and `pareto_k`.

        Raises
        ------
        MissingExtraError
            If arviz-base is not installed.
        """
        return to_arviz(self, n, seed)

    def to_dict(self) -> dict[str, Any]:
        """The fit as JSON holds it; ∞ is the string "inf"."""
        return {
            "schema": 1,
            "p": self.p,
            "direction": self.direction,
            "family": self.family,
            "method": self.method,
            "parameters": plain(self.parameters),
            "forward": self.forward.to_dict(),
            "reverse": self.reverse.to_dict(),
            "alpha_divergence": None if self.alpha_divergence is None else self.alpha_divergence.to_dict(),
            "coverage": self.coverage.to_dict(),
            "regime": self.regime,
            "optima": [
                {"parameters": plain(dict(o.q.parameters)), "value": plain(o.value), "start": o.start}
                for o in self.optima
            ],
            "starts": list(self.starts),
            "status": self.status.key,
            "detail": self.detail,
            "notes": list(self.notes),
            "importance": self.importance.to_dict() if self.importance is not None else None,
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    def rows(self) -> list[tuple[str, str]]:
        """The fit as a person reads it."""

        def shown(d: Divergence) -> str:
            return uncertain(d.value, d.error, d.error_kind) + " nats"

        rows = [("Q", str(self.q)), ("forward KL(P‖Q)", shown(self.forward))]
        rows.append(("reverse KL(Q‖P)", shown(self.reverse)))
        if self.alpha_divergence is not None:
            rows.append((f"Minka's D at alpha {self.direction:g}", shown(self.alpha_divergence)))
        rows.append(("missed", f"{percent(self.missed)} of P lies where q < 0.01 p"))
        rows.append(("wasted", f"{percent(self.wasted)} of Q lies where p < 0.01 q"))
        if self.importance is not None:
            rows.extend(self.importance.rows())
        rows.append(("regime", self.regime))
        rows.extend(("mode of P", str(mode)) for mode in self.modes)
        if len(self.optima) > 1:
            rows.extend(("optimum", repr(o)) for o in self.optima)
        rows.append(("status", self.status.value + (f" {self.detail}" if self.detail else "")))
        rows.extend(("note", note) for note in self.notes)
        return rows

    def _title(self) -> str:
        way = self.direction if isinstance(self.direction, str) else f"alpha {self.direction:g}"
        return f"{self.family} fitted to {self.p}, {way}"

    def __repr__(self) -> str:
        return self._title() + "\n" + text_table(self.rows())

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(self._title())}</b></p>{html_table(self.rows())}"


@dataclass(frozen=True, slots=True, eq=False)
class Advice:
    """Which direction to use for this P and this family, and the numbers it rests on.

    `direction` is "forward" or "reverse"; `forward` and `reverse` are the fits, None where every member of the
    family is infinitely far; `condition` is what the person must accept for it to hold;
    `richer` is the family that would remove half of the residual, if one was found; `source` is where the rule is from.
    """

    direction: str
    rule: str
    reasons: tuple[str, ...]
    forward: Fit | None
    reverse: Fit | None
    condition: str = ""
    richer: Fit | None = None
    source: str = ""

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The fits that could be made, forward first."""
        return tuple(f for f in (self.forward, self.reverse) if f is not None)

    def to_dict(self) -> dict[str, Any]:
        fits = self.fits
        return {
            "schema": 1,
            "p": fits[0].p,
            "fits": {str(f.direction): f.to_dict() for f in fits},
            "advice": {
                "direction": self.direction,
                "rule": self.rule,
                "reasons": list(self.reasons),
                "condition": self.condition,
                "source": self.source,
                "richer": self.richer.family if self.richer is not None else None,
            },
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    def __repr__(self) -> str:
        lines = [f"Use {self.direction}." + (f" {self.condition}" if self.condition else "")]
        return "\n".join(lines + [f"  · {reason}" for reason in self.reasons])

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(reason)}</li>" for reason in self.reasons)
        return f"<p><b>Use {self.direction}.</b> {html.escape(self.condition)}</p><ul>{items}</ul>"
