"""P as a fitter sees it, and what one look at a finished Q tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kullback._distribution import Density, Sample
from kullback._estimate import Estimate
from kullback._result import Coverage, Divergence, Importance, Later


@dataclass(frozen=True, eq=False)
class Look:
    """Both divergences of a Q, measured afresh, what it covers, what weights p/q say, and what is to be noted.

    `log_z` is what the search's own values lack, where a search does not know it.
    """

    forward: Divergence
    reverse: Divergence
    coverage: Later[Coverage]
    importance: Later[Importance | None]
    notes: tuple[str, ...] = ()
    log_z: float = 0.0


class View(Protocol):
    """What the teller asks of P, whether it lives on the integers, on nodes or in space."""

    @property
    def name(self) -> str: ...

    @property
    def seed(self) -> int: ...

    @property
    def sample(self) -> Sample | None: ...

    @property
    def estimated(self) -> Estimate | None: ...

    @property
    def shown(self) -> object:
        """P as a Fit carries it: `density` is P where it lives."""

    def left(self, q: Density, direction: str | float) -> Divergence | None:
        """The divergence that the direction minimises; None where only the best optimum is measured afresh."""

    def look(self, q: Density, direction: str | float, left: Divergence | None) -> Look: ...

    def free(self, q: Density) -> Density:
        """Q in the coordinates without ends that P is seen in."""
