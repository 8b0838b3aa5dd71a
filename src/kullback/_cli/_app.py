"""`kullback fit | path | compare | advise | plan`; bad input is one sentence and exit code 2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

import kullback as kl
from kullback._cli import _show, _tables
from kullback._cli._options import Options, settings
from kullback._cli._source import Drop, Source
from kullback._result import Fit, InputError

app = App(
    name="kullback",
    version=kl.__version__,
    help="The Kullback-Leibler divergence, both ways: measured and minimised.",
    suppress_keyboard_interrupt=False,  # main says which signal it was
)

From = Annotated[Source, Parameter(name="*")]
Label = Annotated[str | None, Parameter(help="A column whose values name the modes.")]
Json = Annotated[bool, Parameter(name="--json", help="JSON for machines instead of tables.", negative="")]
Plot = Annotated[Path | None, Parameter(help="Write a picture to this .png or .svg file.")]
Family = Annotated[str, Parameter(help='What Q may be: normal, laplace, student_t, "mixture(2)", poisson …')]
Seed = Annotated[int, Parameter(help="Seed of everything random.")]
Method = Annotated[str, Parameter(help="A fitter by name, as plan lists them; auto takes the first that applies.")]


@app.command
def fit(
    data: str,
    *,
    source: From = Source(),  # noqa: B008  frozen
    label: Label = None,
    family: Family = "normal",
    direction: Literal["forward", "reverse", "both"] = "both",
    method: Method = "auto",
    need: Literal["cover", "major"] | None = None,
    plot: Plot = None,
    json: Json = False,
    seed: Seed = 0,
) -> None:
    """Fit a family to DATA, a file with --columns or a text form, by the least KL divergence."""
    p = source.load(data, label)
    if method != "auto" and direction == "both":
        raise InputError(f"--method {method} needs --direction forward or reverse: few fitters serve both")
    with _show.progress() as say:
        if direction == "both":
            advice = kl.advise(p, family, need=need, seed=seed, progress=say)
            fits: tuple[Fit, ...] = advice.fits
        else:
            say(f"fitting {direction}")
            advice, fits = None, (kl.fit(p, family, direction=direction, method=method, seed=seed, progress=say),)
        if plot is not None:
            say("drawing")
            kl.plots.fits(*fits, path=plot)
    if json:
        _show.json(advice.to_dict() if advice is not None else _single(fits[0]))
        return
    _show.fits(fits)
    if advice is not None:
        _show.advice(advice)
    _show.picture(plot)


@app.command
def advise(
    data: str,
    *,
    source: From = Source(),  # noqa: B008  frozen
    label: Label = None,
    family: Family = "normal",
    need: Annotated[
        Literal["cover", "major"] | None,
        Parameter(help="cover: Q must cover all of P; major: its major part."),
    ] = None,
    json: Json = False,
    seed: Seed = 0,
) -> None:
    """Which direction to use for DATA and this family, and why."""
    p = source.load(data, label)
    with _show.progress() as say:
        found = kl.advise(p, family, need=need, seed=seed, progress=say)
    _show.found(found, json, _show.advice)


@app.command
def path(
    data: str,
    *,
    source: From = Source(),  # noqa: B008  frozen
    family: Family = "normal",
    steps: Annotated[int, Parameter(help="Into how many steps alpha is cut, from 0 to 1.")] = 20,
    plot: Plot = None,
    json: Json = False,
    seed: Seed = 0,
) -> None:
    """The best fit to DATA followed from reverse (alpha 0) to forward (alpha 1), with its jumps."""
    p = source.load(data)
    with _show.progress() as say:
        found = kl.path(p, family, seed=seed, steps=steps, progress=say)
        if plot is not None:
            say("drawing")
            kl.plots.path(found, path=plot)
    _show.found(found, json, _show.path, plot)


@app.command
def compare(
    p: Annotated[str, Parameter(allow_leading_hyphen=True)],
    q: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    columns: Annotated[
        list[str], Parameter(help="Columns of the files, separated by commas or one at a time.", negative="")
    ] = [],  # noqa: B006  never changed
    tables: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008  frozen
    plot: Plot = None,
    json: Json = False,
    drop_missing: Drop = False,
    seed: Annotated[int | None, Parameter(help="Seed of everything random.")] = None,
) -> None:
    """Both divergences of P and Q: two text forms, one file with --columns and one text form, or two tables.

    Two files (or folders, patterns, URLs, or - for standard input) are compared column by column, as the options and
    this folder's kullback.toml say. With --fail-over the exit code is 1 where a column is surely over its threshold,
    gone, or of another type.
    """
    for text in (p, q):
        if text is not None and text.startswith("-") and text != "-":
            raise InputError(f"Unknown option: {text}. A file of that name is ./{text}")
    if columns and not ",".join(columns).strip(", "):
        raise InputError("--columns is empty; name at least one, or leave it out for all that both sides have")
    both = q is not None and _tables.are_tables(p, q)
    if both or q is None or tables.reference is not None:
        rules = settings(tables, columns, seed)
        if drop_missing:
            raise InputError("--drop-missing goes with one file; of two tables, what is missing is a category")
        if tables.reference is not None and q is not None:
            raise InputError("--reference takes the place of P; give Q alone")
        if q is None and rules.reference is None:
            raise InputError("compare needs P and Q; with --reference, Q alone")
        _tables.run(None if q is None else p, p if q is None else q, rules, plot, json)
        return
    if tables.named():
        raise InputError(f"{', '.join(tables.named())} go with two files, and {p!r} and {q!r} are not both files")
    assert q is not None
    seed = seed or 0
    a, b = Source(",".join(columns) or None, drop_missing).pair(p, q)
    with _show.progress() as say:
        say("measuring")
        found = kl.compare(a, b, seed=seed)
        if plot is not None:
            say("drawing")
            kl.plots.comparison(found, path=plot)
    _show.found(found, json, _show.comparison, plot)


@app.command
def plan(
    p: str,
    q: str | None = None,
    /,
    *,
    family: Annotated[str | None, Parameter(help="In the place of Q: which fitter would fit this family.")] = None,
    direction: Literal["forward", "reverse"] = "forward",
    source: From = Source(),  # noqa: B008  frozen
    json: Json = False,
) -> None:
    """Which method would measure P and Q, or which fitter would fit a family to P, and why not the others."""
    if (q is None) == (family is None):
        raise InputError("plan needs Q, for a divergence, or --family, for a fit; one of them")
    if q is None:
        found = kl.plan(source.load(p), family=family, direction=direction)
    else:
        a, b = source.pair(p, q)
        found = kl.plan(a, b, direction=direction)
    _show.found(found, json, _show.plan)


def _single(found: Fit) -> dict[str, Any]:
    return {
        "schema": 1,
        "p": found.p,
        "fits": {str(found.direction): found.to_dict()},
        "advice": None,
    }
