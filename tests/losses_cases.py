"""Losses whose values and gradients are known, for every backend: by mpmath to 50 digits, or by long doubles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import mpmath
import numpy as np

INF = math.inf
SINES = np.arange(32_000)


class Case(NamedTuple):
    """Logits of Q and of P, the loss with its options, the value and the gradient with respect to Q's logits."""

    name: str
    q: Any
    p: Any
    loss: str
    options: dict[str, Any]
    value: float
    gradient: Any = None


A, H = ([0.0, 1.0, -INF], [1.0, 0.0, -INF]), ([0.0, 1.0, 2.0], [2.0, 0.0, 0.0])
TANH = 0.46211715726000975  # of a half
GAP_P = [0.0, 1.0, -INF], [1.0, 0.0, 0.0]

# mpmath, 50 digits
CASES = [
    Case("masked in both", *A, "forward", {}, TANH, [-TANH, TANH, 0.0]),
    Case("masked in both", *A, "reverse", {}, TANH, [-0.393223866483, 0.393223866483, 0.0]),
    Case("masked in both", *A, "jensen_shannon", {}, 0.110944071671727, [-0.09830596662, 0.09830596662, 0.0]),
    Case("Q lacks a class", *GAP_P, "forward", {}, INF, [-0.30717546, 0.51911702, -0.21194156]),
    Case("Q lacks a class", *GAP_P, "reverse", {}, 0.700300183673838, [-0.393223866483, 0.393223866483, 0.0]),
    Case("P lacks a class", GAP_P[1], GAP_P[0], "reverse", {}, INF),
    Case("P lacks a class", GAP_P[1], GAP_P[0], "forward", {}, 0.700300183673838),
    Case("confident", [200.0, 0.0], [0.0, 0.0], "reverse", {}, 0.693147180559945, [0.0, -2.77e-85]),
    Case("tiny in both", [0.0, -120.0, 1.0], [1.0, -130.0, 0.0], "jensen_shannon", {}, 0.110944071671727,
         [-0.09830596662, 6.0e-54, 0.09830596662]),
    Case("one class", [5.0], [0.0], "forward", {}, 0.0, [0.0]),
    Case("one class", [5.0], [0.0], "reverse", {}, 0.0, [0.0]),
    Case("far apart", [0.0, 0.0], [3e4, 0.0], "forward", {}, math.log(2), [-0.5, 0.5]),
    Case("plain", [1.0, 0.0, 0.0, 0.0], [0.0] * 4, "forward", {}, 0.107374019509),
    Case("ends", *H, "forward", {}, 1.42251234578809),
    Case("ends", *H, "reverse", {}, 1.22708803804118),
    Case("ends", *H, "jeffreys", {}, 1.42251234578809 + 1.22708803804118),
    Case("ends", *H, "between", {"alpha": 0.25}, 1.20330187608324),
    Case("ends", *H, "between", {"alpha": 0.5}, 1.22475485528682, [-0.4074353466, 0.01669578242, 0.3907395642]),
    Case("ends", *H, "between", {"alpha": 0.75}, 1.29494677369543),
    Case("ends", *H, "between", {"alpha": 0}, 1.22708803804118),
    Case("ends", *H, "between", {"alpha": 1}, 1.42251234578809),
    Case("ends", *H, "between", {"alpha": 1e-6}, 1.22708785257047),
    Case("ends", *H, "between", {"alpha": 1 - 1e-6}, 1.42251170311463),
    Case("ends", *H, "jensen_shannon", {"weight": 0.1}, 0.117561104349),
    Case("ends", *H, "jensen_shannon", {"weight": 0.5}, 0.285435664081),
    Case("ends", *H, "jensen_shannon", {"weight": 0.9}, 0.106059428721),
    Case("ends", *H, "jensen_shannon", {"weight": 1e-6, "scaled": True}, 1.42251079696),
    Case("ends", *H, "jensen_shannon", {"weight": 0.5, "scaled": True}, 1.14174265633),
    Case("ends", *H, "jensen_shannon", {"weight": 1 - 1e-6, "scaled": True}, 1.22708740127),
    Case("ends", *H, "jensen_shannon", {"weight": 0, "scaled": True}, 1.42251234578809),
    Case("ends", *H, "jensen_shannon", {"weight": 1, "scaled": True}, 1.22708803804118),
    Case("ends", *H, "forward", {"skew": 0.1}, 0.986859997465603),
    Case("ends", *H, "reverse", {"skew": 0.1}, 0.925021934963999),
    Case("nearly equal", np.sin(SINES) + 1e-4 * np.cos(SINES), np.sin(SINES), "forward", {}, 2.23194184138e-9),
    Case("nearly equal", np.sin(SINES) + 1e-4 * np.cos(SINES), np.sin(SINES), "reverse", {}, 2.23194183956e-9),
    Case("nearly equal, far up", (t := np.round(np.sin(SINES) * 1024) / 1024) + (SINES % 2 == 0) * 2.0**-10, t + 1024,
         "forward", {}, 1.19209284534e-7),
]  # fmt: skip
LOSSES: list[tuple[str, dict[str, Any]]] = [
    ("forward", {}),
    ("reverse", {}),
    ("jeffreys", {}),
    ("between", {"alpha": 0.3}),
    ("between", {"alpha": 0.999}),
    ("jensen_shannon", {"weight": 0.3}),
    ("jensen_shannon", {"weight": 1e-3, "scaled": True}),
    ("forward", {"skew": 0.1}),
    ("reverse", {"skew": 0.1}),
]


def name_of(case: Any) -> str:
    return f"{case.name}, {case.loss}{case.options or ''}" if isinstance(case, Case) else f"{case[0]}{case[1] or ''}"


def generated(seed: int, size: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """P's and Q's logits in float32: scales from 1e-2 to 3e2, far from each other and very near, some far from zero,
    some classes absent from one or both."""
    rng = np.random.default_rng(seed)
    scale = 10 ** rng.uniform(-2, np.log10(300), (rows, 1))
    t = scale * rng.normal(size=(rows, size))
    kinds = rng.integers(4, size=(rows, 1))
    near = t + 10 ** rng.uniform(-5, 1, (rows, 1)) * rng.normal(size=(rows, size))
    other = 10 ** rng.uniform(-2, np.log10(300), (rows, 1)) * rng.normal(size=(rows, size))
    s = np.where(kinds < 2, near, np.where(kinds == 2, other, t * (1 + 10 ** rng.uniform(-6, 0, (rows, 1)))))
    for x in (t, s):
        x += rng.uniform(-1e4, 1e4, (rows, 1)) * (rng.random((rows, 1)) < 0.5)
    lost = (rng.random((rows, size)) < 0.3) & (rng.random((rows, 1)) < 0.4)
    lost[np.arange(rows), rng.integers(size, size=rows)] = False
    which = rng.integers(3, size=(rows, 1))
    t[lost & (which != 1)] = -INF
    s[lost & (which != 0)] = -INF
    return t.astype(np.float32), s.astype(np.float32)


def truth(t: Any, s: Any, loss: str, options: dict[str, Any], kind: Any = np.longdouble) -> tuple[Any, Any]:
    """Values and gradients with respect to Q's logits, row by row, by the textbook formulas in long doubles."""
    with np.errstate(all="ignore"):
        p, q, d = ratios(*(np.asarray(x, kind) for x in (t, s)))
        only_p, only_q = (p > 0) & np.isneginf(s), np.isneginf(t) & ~np.isneginf(s)
        only_p |= ~np.isneginf(t) & np.isneginf(s)

        def plogp(a: Any, log_ratio: Any) -> Any:
            return np.where(a > 0, a * np.where(a > 0, log_ratio, 0), 0).sum(-1, keepdims=True)

        def forward() -> tuple[Any, Any]:
            return np.where(only_p.any(-1, keepdims=True), np.inf, plogp(p, d)), q - p

        def reverse() -> tuple[Any, Any]:
            value = plogp(q, -d)
            gap = only_q.any(-1, keepdims=True)
            return np.where(gap, np.inf, value), np.where(gap, np.nan, np.where(q > 0, q * (-d - value), 0))

        if loss == "forward" and "skew" not in options:
            value, gradient = forward()
        elif loss == "reverse" and "skew" not in options:
            value, gradient = reverse()
        elif loss == "jeffreys":
            value, gradient = (a + b for a, b in zip(forward(), reverse(), strict=True))
        elif loss == "between":
            a = kind(options["alpha"])
            m = p**a * q ** (1 - a)
            small = m.sum(-1, keepdims=True)
            value, gradient = (1 - small) / (a * (1 - a)), (q * small - m) / a
        else:
            w = kind(options.get("weight", 0.5))
            if loss == "forward":
                w = kind(options["skew"])
            if loss == "reverse":
                w = 1 - kind(options["skew"])
            a, b = -np.log1p((1 - w) * np.expm1(-d)), -np.log1p(w * np.expm1(d))
            k, r = plogp(p, a), plogp(q, b)
            if loss == "forward":
                e = np.where(p > 0, p / (w * p + (1 - w) * q), 0)
                value = k
                slope = -(1 - w) * q * e
            elif loss == "reverse":
                value = r
                slope = np.where(q > 0, q * (b - (1 - w) * q / (w * p + (1 - w) * q)), 0)
            else:
                unit = w * (1 - w) if options.get("scaled") else 1
                value = (w * k + (1 - w) * r) / unit
                slope = np.where(q > 0, (1 - w) * q * b / unit, 0)
            gradient = slope - q * slope.sum(-1, keepdims=True)
    return value[..., 0], gradient


def ratios(t: Any, s: Any) -> tuple[Any, Any, Any]:
    a, b = t - t.max(-1, keepdims=True), s - s.max(-1, keepdims=True)
    p, q = np.exp(a), np.exp(b)
    z, y = p.sum(-1, keepdims=True), q.sum(-1, keepdims=True)
    d = (a - b) - (np.log(z) - np.log(y))
    return p / z, q / y, np.where(np.isneginf(t) & np.isneginf(s), 0, d)


def wrong(
    value: Any, gradient: Any, value_true: Any, gradient_true: Any, floor: float, coarse: float = 2e-6
) -> Iterator[str]:
    """What is not as promised: 2e-6 of values from 1e-6 nats, 2e-5 of values from 1e-9; of the gradient's length alike
    (or `coarse`), and `floor` of what rounding leaves of a gradient far smaller than its parts."""
    for i, (v, true) in enumerate(zip(value.tolist(), value_true.tolist(), strict=True)):
        allowed = 2e-6 if true >= 1e-6 else 2e-5
        if not v >= 0:
            yield f"row {i}: {v}, not {true}"
        elif true == INF or v == INF:
            if v != true:
                yield f"row {i}: {v}, not {true}"
            continue
        elif true >= 1e-9 and abs(v - true) > allowed * true:
            yield f"row {i}: {v}, not {true}"
        if true >= 1e-9 and gradient is not None:
            g, exact = gradient[i], gradient_true[i].astype(np.float64)
            if not np.linalg.norm(g - exact) <= max(allowed, coarse) * np.linalg.norm(exact) + floor:
                yield f"row {i} of {true}: gradient off by {np.linalg.norm(g - exact)} of {np.linalg.norm(exact)}"


def exact_pair(t: list[float], s: list[float]) -> tuple[float, float]:
    """Forward and reverse by mpmath, for what long doubles are held to."""
    with mpmath.workdps(50):
        logs = []
        for row in (t, s):
            x = [mpmath.mpf(float(v)) for v in row]
            total = mpmath.log(mpmath.fsum(mpmath.exp(v - max(x)) for v in x)) + max(x)
            logs.append([v - total for v in x])
        forward = mpmath.fsum(mpmath.exp(a) * (a - b) for a, b in zip(*logs, strict=True))
        reverse = mpmath.fsum(mpmath.exp(b) * (b - a) for a, b in zip(*logs, strict=True))
    return float(forward), float(reverse)
