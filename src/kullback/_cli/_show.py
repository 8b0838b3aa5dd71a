"""Results as rich tables on standard output, progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kullback._format import dumps, number, percent, uncertain, vector
from kullback._result import Advice, Comparison, Divergence, Fit, Mode, Path, Plan

FORWARD, REVERSE = "blue", "dark_orange3"


def console() -> Console:
    return Console(highlight=False, soft_wrap=False)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A spinner on a terminal, nothing in a pipe."""
    err = Console(stderr=True)
    if not err.is_terminal:
        yield lambda _: None
        return
    with err.status("reading") as status:
        yield lambda text: status.update(text)


def json(found: dict[str, Any]) -> None:
    sys.stdout.write(dumps(found) + "\n")


def found(result: Any, json_: bool, show: Callable[[Any], None], plot: FilePath | None = None) -> None:
    """A result as JSON, or as people read it, with the picture that was asked for."""
    if json_:
        json(result.to_dict())
        return
    show(result)
    picture(plot)


def picture(path: FilePath | None) -> None:
    if path is not None:
        line(f"The picture is in {path}")


def line(text: str) -> None:
    console().print(escape(text), soft_wrap=True)


def fits(found: tuple[Fit, ...]) -> None:
    """One column a fit."""
    first = found[0]
    out = console()
    out.print(f"[bold]{escape(first.family)}[/bold] fitted to {escape(first.p)}", soft_wrap=True)
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    table.add_column("")
    for f in found:
        colour = FORWARD if f.direction == "forward" else REVERSE
        what = "KL(P‖Q) least" if f.direction == "forward" else "KL(Q‖P) least"
        table.add_column(f"[{colour}]{f.direction}[/{colour}], {what}", overflow="fold")
    for name, cells in _rows(found):
        table.add_row(name, *(escape(c) for c in cells))
    out.print(table)
    for f in found:
        if len(f.optima) > 1:
            out.print(f"{f.direction}: {len(f.optima)} distinct optima", soft_wrap=True)
            for o in f.optima:
                out.print(f"  {number(o.value)} nats at {escape(str(o.q))}", soft_wrap=True)
    for note in dict.fromkeys(n for f in found for n in f.notes):
        out.print(escape(note), soft_wrap=True)


def _rows(found: tuple[Fit, ...]) -> list[tuple[str, list[str]]]:
    names = list(dict.fromkeys(name for f in found for name in _parameters(f)))
    rows = [(name, [_parameters(f).get(name, "") for f in found]) for name in names]
    rows.append(("KL(P‖Q), nats", [_nats(f.forward) for f in found]))
    rows.append(("KL(Q‖P), nats", [_nats(f.reverse) for f in found]))
    rows.append(("missed, P where q < 0.01 p", [percent(f.missed) for f in found]))
    rows.append(("wasted, Q where p < 0.01 q", [percent(f.wasted) for f in found]))
    for i, mode in enumerate(found[0].modes):
        rows.append((f"mode of P {_place(mode)}", [_covered(f.modes[i]) for f in found]))
    rows.append(("regime", [f.regime for f in found]))
    rows.append(("status", [f.status.key.replace("_", " ") for f in found]))
    return rows


def _place(mode: Mode) -> str:
    name = f" {mode.label}," if mode.label else ""
    where = np.atleast_1d(np.asarray(mode.location, dtype=float))
    short = ", ".join(f"{v:.4g}" for v in where)
    return f"at ({short}),{name} {percent(mode.mass)}"


def _covered(mode: Mode) -> str:
    return "covered" if mode.covered else "missed"


def _parameters(f: Fit) -> dict[str, str]:
    """Parameters as people read them: standard deviations and a correlation for a covariance."""
    out = {}
    for name, value in f.parameters.items():
        array = np.asarray(value, dtype=float)
        if name == "covariance_matrix" and array.ndim == 2:
            sd = np.sqrt(np.diag(array))
            out["standard deviations"] = vector(sd)
            if len(sd) == 2:
                out["correlation"] = f"{array[0, 1] / (sd[0] * sd[1]):.4f}"
        elif array.ndim <= 1:
            out["mean" if name == "loc" and "covariance_matrix" in f.parameters else name] = vector(array)
        else:
            out[name] = "; ".join(vector(row) for row in array.reshape(len(array), -1))
    return out


def _nats(d: Divergence) -> str:
    return uncertain(d.value, d.error, d.error_kind)


def advice(found: Advice) -> None:
    out = console()
    colour = FORWARD if found.direction == "forward" else REVERSE
    condition = f" {escape(found.condition)}" if found.condition else ""
    out.print(f"\n[bold]Use [{colour}]{found.direction}[/{colour}].[/bold]{condition}", soft_wrap=True)
    for reason in found.reasons:
        out.print(f"  · {escape(reason)}", soft_wrap=True)


def comparison(found: Comparison) -> None:
    out = console()
    out.print(f"P = {escape(found.p)}\nQ = {escape(found.q)}", soft_wrap=True)
    header, *rows = found.rows()
    table = Table(header_style="bold", pad_edge=False)
    for name, colour in zip(header, ("", FORWARD, REVERSE), strict=True):
        table.add_column(f"[{colour}]{name}[/{colour}]" if colour else name)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    out.print(table)
    for text in found.lines():
        out.print(escape(text), soft_wrap=True)


def path(found: Path) -> None:
    """A few of the alphas, then the jumps and what else there is."""
    out = console()
    out.print(f"[bold]{escape(found.family)}[/bold] fitted to {escape(found.p)}", soft_wrap=True)
    header, *rows = found.rows()
    table = Table(*header, header_style="bold", pad_edge=False)
    table.columns[2].header = f"[{FORWARD}]{header[2]}[/{FORWARD}]"
    table.columns[3].header = f"[{REVERSE}]{header[3]}[/{REVERSE}]"
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    out.print(table)
    for text in found.lines():
        out.print(escape(text), soft_wrap=True)


def plan(found: Plan) -> None:
    out = console()
    out.print(escape(found.title), soft_wrap=True)
    table = Table(*found.heads, header_style="bold", pad_edge=False)
    for name, text in found.rows():
        table.add_row(name, escape(text))
    out.print(table)
