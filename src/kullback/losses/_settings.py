"""What is said of a loss apart from its tensors: one flat record, and the same as a text, which compilers can carry."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from kullback.losses import _divergences
from kullback.losses._chunk import Plan
from kullback.losses._divergences import Divergence


class Settings(NamedTuple):
    """`kind` of P and Q: logits, probs, head or (of P) top. `wanted`: for each tensor, 1 if its gradient is."""

    divergence: str
    number: float
    scaled: bool
    p_kind: str
    q_kind: str
    tail: str = ""
    p_scale: float = 1.0
    p_softcap: float = 0.0
    q_scale: float = 1.0
    q_softcap: float = 0.0
    temperature: float = 1.0
    classes: int = 0
    rows: int = 0
    wanted: str = ""
    p_grad: bool = False
    reduced: bool = False
    overwrite: bool = False

    @property
    def plan(self) -> Plan:
        p_kind, q_kind = ("logits" if kind == "head" else kind for kind in (self.p_kind, self.q_kind))
        return Plan(self._divergence, p_kind, q_kind, self.tail)

    @property
    def _divergence(self) -> Divergence:
        found: Any = getattr(_divergences, self.divergence)
        if self.divergence == "JensenShannon":
            return found(self.number, self.scaled)
        return found(self.number) if found._fields else found()


class Given(NamedTuple):
    """The tensors as rows: of P and of Q, one or several each; a temperature a row, or None; which rows count, or None;
    and the number that scales each row, or all of them."""

    p: list[Any]
    q: list[Any]
    temperature: Any
    mask: Any
    scale: Any


def encode(settings: Settings) -> str:
    return "|".join([f"{x}" for x in settings])


@lru_cache(maxsize=256)
def decode(text: str) -> Settings:
    return Settings(*(_READ[type(like)](x) for like, x in zip(_LIKE, text.split("|"), strict=True)))


_LIKE = Settings("", 0.0, False, "", "")
_READ: dict[type, Any] = {str: str, float: float, int: int, bool: lambda x: x == "True"}
