"""The text form: `normal(0, 1)`, `0.35*normal(-3, 1) + 0.65*normal(3, 1.2)`, `normal(covariance="diagonal")`.

Python's own parser reads the text and nothing is ever executed: names, numbers, lists, strings and the four
operations are all there is.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from kullback._distribution import Density, Discrete
from kullback._result import InputError
from kullback._vocabulary._space import mixture
from kullback._vocabulary._words import build

EXAMPLE = 'write for example "normal(0, 1)" or "0.35*normal(-3, 1) + 0.65*normal(3, 1.2)"'


@dataclass(frozen=True, slots=True)
class Call:
    """A name with its arguments."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def distribution(text: str) -> Density | Discrete:
    """The distribution that a text form names.

    Examples
    --------
    >>> distribution("0.25*normal(-1, 1) + 0.75*normal(1, 1)").parameters["weights"].tolist()
    [0.25, 0.75]
    """
    terms = [(weight, build(call.name, call.args, call.kwargs)) for weight, call in parse(text)]
    if len(terms) == 1 and terms[0][0] == 1.0:
        return terms[0][1]
    return mixture([weight for weight, _ in terms], [part for _, part in terms])


def parse(text: str) -> list[tuple[float, Call]]:
    """The weighted calls of a text form."""
    if len(text) > 10_000:
        raise InputError(f"the text form is {len(text)} characters long; {EXAMPLE}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"cannot read {text!r} as a distribution; {EXAMPLE}") from None
    return _terms(tree, text)


def _terms(node: ast.expr, text: str) -> list[tuple[float, Call]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _terms(node.left, text) + _terms(node.right, text)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        if isinstance(node.left, ast.Call | ast.Name):
            return [(_number(node.right, text), _call(node.left, text))]
        return [(_number(node.left, text), _call(node.right, text))]
    return [(1.0, _call(node, text))]


def _call(node: ast.expr, text: str) -> Call:
    if isinstance(node, ast.Name):
        return Call(node.id, (), {})
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise InputError(f"{ast.unparse(node)!r} in {text!r} is not a distribution; {EXAMPLE}")
    if any(keyword.arg is None for keyword in node.keywords):
        raise InputError(f"** is not understood in {text!r}; {EXAMPLE}")
    names = [str(keyword.arg) for keyword in node.keywords]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{twice!r} is given twice in {text!r}")
    kwargs = {str(keyword.arg): _value(keyword.value, text) for keyword in node.keywords}
    return Call(node.func.id, tuple(_value(arg, text) for arg in node.args), kwargs)


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item, text) for item in node.elts]
    if isinstance(node, ast.Constant) and (isinstance(node.value, str) or node.value is None):
        return node.value
    return _number(node, text)


def _number(node: ast.expr, text: str) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _number(node.operand, text)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult | ast.Add | ast.Sub):
        left, right = _number(node.left, text), _number(node.right, text)
        if isinstance(node.op, ast.Div):
            if right == 0:
                raise InputError(f"division by zero in {text!r}")
            return left / right
        if isinstance(node.op, ast.Mult):
            return left * right
        return left + right if isinstance(node.op, ast.Add) else left - right
    raise InputError(f"{ast.unparse(node)!r} in {text!r} is not a number; {EXAMPLE}")
