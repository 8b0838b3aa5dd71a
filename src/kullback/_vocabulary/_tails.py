"""Constants, and how densities fall at their ends."""

from __future__ import annotations

import math

from kullback._distribution import Tail

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
EULER = 0.5772156649015329
NORMAL_TAIL = Tail(exponent=2.0)
EXPONENTIAL_TAIL = Tail(exponent=1.0)
DOUBLE_EXPONENTIAL_TAIL = Tail(exponent=math.inf)
LOG_NORMAL_TAIL = Tail()  # lighter than any power, heavier than any exponential
NO_TAIL = Tail()  # a finite end of which nothing is said
FLAT_END = Tail(power=1.0)  # a finite end where the density is neither 0 nor infinite
