"""What a new user gets wrong, and targets chosen to break the search: told in words, or fitted."""

from __future__ import annotations

from typing import Any

import pytest

import kullback as kl


def density(f: Any, dim: int, **options: Any) -> kl.Density:
    return kl.Density(f, dim=dim, normalized=False, **options)


@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("wrong", [KeyError("a"), ZeroDivisionError("by zero"), Exception("of mine")])
def test_whatever_log_prob_raises_is_told_with_its_point(wrong: Exception, dim: int) -> None:
    def log_prob(x: Any) -> Any:
        raise wrong

    with pytest.raises(kl.InputError, match="log_prob failed at the point"):
        kl.fit(density(log_prob, dim), "normal", direction="reverse")


@pytest.mark.parametrize("returned", [None, 1 + 2j])
def test_what_is_no_real_number_is_refused(returned: Any) -> None:
    with pytest.raises(kl.InputError, match="not a real number"):
        kl.fit(density(lambda x: returned, 3), "normal", direction="reverse")
