"""What the nodes of neighbouring panels tell of their common end, which no node of either lies on.

A jump between the last node of one panel and the first of the next is seen by neither rule; so is a kink. There the
values, or the slopes, differ by more than those on either side let expect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

USUAL = 2.0  # times as far as on either side


def hidden(x: Array, fx: Array, known: Array) -> Array:
    """How much of the integrals could hide in the seams: (panels, k) for nodes (panels, m) and values (panels, k, m).

    The panels cover an interval; their order, and the direction of their nodes, are free. At the `known` places, which
    rise, it is the seam itself where the function jumps or bends, and nothing hides.
    """
    backward = x[:, 0] > x[:, -1]
    x = np.where(backward[:, None], x[:, ::-1], x)
    fx = np.where(backward[:, None, None], fx[:, :, ::-1], fx)
    order = np.argsort(x[:, 0])
    left, right = order[:-1], order[1:]
    before, after = fx[left, :, -3:], fx[right, :, :3]  # three values on either side of each seam
    t, u = x[left, -3:], x[right, :3]
    gap = (u[:, 0] - t[:, 2])[:, None]
    with np.errstate(all="ignore"):
        slopes = [np.diff(before) / np.diff(t)[:, None], np.diff(after) / np.diff(u)[:, None]]
        bends = [s[..., 1] - s[..., 0] for s in slopes]  # from one interval to the next
        spans = [(t[:, 2] - t[:, 0])[:, None] / 2, (u[:, 2] - u[:, 0])[:, None] / 2]
        slope_left, slope_right = slopes[0][..., 1], slopes[1][..., 0]
        steepest = np.maximum(np.abs(slope_left), np.abs(slope_right))
        jump = np.abs(after[..., 0] - before[..., 2]) - USUAL * steepest * gap
        reach = gap + 0.5 * ((t[:, 2] - t[:, 1]) + (u[:, 1] - u[:, 0]))[:, None]
        bent = np.maximum(np.abs(bends[0]) / spans[0], np.abs(bends[1]) / spans[1])
        kink = np.abs(slope_right - slope_left) - USUAL * bent * reach
        seam = np.fmax(jump, 0.0) * gap + np.fmax(kink, 0.0) * gap * gap
        most = np.maximum(np.abs(after[..., 0]), np.abs(before[..., 2])) * gap  # what hides is no higher than its sides
        seam = np.fmin(seam, most)
    seam = np.nan_to_num(seam, nan=0.0, posinf=0.0)
    if len(known):
        inside = np.searchsorted(known, t[:, 2]) < np.searchsorted(known, u[:, 0])
        seam[inside] = 0.0
    found = np.zeros(fx.shape[:2])
    found[left] += 0.5 * seam
    found[right] += 0.5 * seam
    return found
