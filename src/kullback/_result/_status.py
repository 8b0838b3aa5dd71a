"""What a result says of itself: the enum's text is the advice."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """How far a result can be trusted, and what to do if that is not far enough."""

    OK = "The stated error is within what was asked for, or within what the method aims at."
    SUPPORT_GAP = (
        "Infinite: P has mass where Q has none, by Q's support or by its log density, which breaks off to −∞. Give Q "
        "a support that contains P's, or look at the other direction."
    )
    TAIL_GAP = (
        "Infinite, proven from the declared tails: Q's density falls too fast where P still has mass. Choose a Q with "
        "heavier tails, or look at the other direction."
    )
    TAIL_EVIDENCE = (
        "Infinite on numerical evidence, not proven: the terms do not fall off towards the end of the support. Choose "
        "a Q with heavier tails, or look at the other direction."
    )
    BEYOND_DOUBLES = (
        "Finite, but larger than the largest double, 1.8e308 nats. Look at the scales of the two: they may be in "
        "different units."
    )
    TOLERANCE_MISSED = (
        "The error is larger than asked for, or than the method aims at. A looser tolerance or another method "
        "may serve."
    )
    UNSEEN = (
        "Infinite as drawn: P's draws hold outcomes that Q's draws never showed, more of them than chance or the end "
        "of a tail would leave out. More draws of Q tell; where outcomes are counted, `smoothed` stands beside it."
    )
    SMOOTHED = (
        "Finite as if rare: P's draws hold outcomes that Q's draws never showed, too few or too far out in a tail to "
        "say that Q has none there. If Q has much less there than one draw's share, the value is too small; more draws "
        "of Q tell."
    )
    BIASED = (
        "The stated error leaves out a bias of the method that is not small beside it. More draws, fewer columns or "
        "another method may serve."
    )
    DEPENDENT = (
        "The draws were given as independent, and in their order they follow each other: the stated error is "
        'too small. kl.Sample(x, order="time"), chains= or groups= gives the right one.'
    )
    ESTIMATED = "Estimated from draws, or from a density in their place; the error includes their sampling."
    EXACT = "The optimum is exact: it follows from moments or counts."
    STATIONARY = "The optimum is stationary to the gradient tolerance, with positive curvature."
    CONVERGED = "The iteration ended because its steps became negligible."
    BOUNDARY = "The optimum lies at the edge of the family, in a limit; a simpler family may be meant."
    INTERRUPTED = "Interrupted: this is the best so far. kl.fit(..., start=this fit) goes on from it."
    NOT_STATIONARY = "The search ended before the gradient vanished. Try another start, or a richer family."

    @property
    def key(self) -> str:
        """The status as JSON and the command line write it."""
        return self.name.lower()

    @property
    def infinite(self) -> bool:
        return self in (Status.SUPPORT_GAP, Status.TAIL_GAP, Status.TAIL_EVIDENCE, Status.UNSEEN)
