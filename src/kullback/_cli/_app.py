"""`kullback fit | path | compare | advise | plan`; bad input is one sentence and exit code 2."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

import kullback as kl
from kullback._cli import _show, _tables
from kullback._cli._options import Options, settings
from kullback._format import visible
from kullback._result import Fit, InputError, KullbackError

app = App(
    name="kullback",
    version=kl.__version__,
    help="The Kullback-Leibler divergence, both ways: measured and minimised.",
    suppress_keyboard_interrupt=False,  # main says which signal it was
)

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".gz")

Columns = Annotated[str | None, Parameter(help="Numeric columns of the file, separated by commas.")]
Label = Annotated[str | None, Parameter(help="A column whose values name the modes.")]
Drop = Annotated[bool, Parameter(help="Drop rows with missing values.", negative="")]
Json = Annotated[bool, Parameter(name="--json", help="JSON for machines instead of tables.", negative="")]
Plot = Annotated[Path | None, Parameter(help="Write a picture to this .png or .svg file.")]
Family = Annotated[str, Parameter(help='What Q may be: normal, laplace, student_t, "mixture(2)", poisson …')]
Seed = Annotated[int, Parameter(help="Seed of everything random.")]
Method = Annotated[str, Parameter(help="A fitter by name, as plan lists them; auto takes the first that applies.")]


@app.command
def fit(
    data: str,
    *,
    columns: Columns = None,
    label: Label = None,
    family: Family = "normal",
    direction: Literal["forward", "reverse", "both"] = "both",
    method: Method = "auto",
    need: Literal["cover", "major"] | None = None,
    plot: Plot = None,
    json: Json = False,
    drop_missing: Drop = False,
    seed: Seed = 0,
) -> None:
    """Fit a family to DATA, a file with --columns or a text form, by the least KL divergence."""
    p = _load(data, columns, label, drop_missing)
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
        found = advice.to_dict() if advice is not None else _single(fits[0])
        _show.json(found)
        return
    _show.fits(fits)
    if advice is not None:
        _show.advice(advice)
    if plot is not None:
        _show.line(f"The picture is in {plot}")


@app.command
def advise(
    data: str,
    *,
    columns: Columns = None,
    label: Label = None,
    family: Family = "normal",
    need: Annotated[
        Literal["cover", "major"] | None,
        Parameter(help="cover: Q must cover all of P; major: its major part."),
    ] = None,
    json: Json = False,
    drop_missing: Drop = False,
    seed: Seed = 0,
) -> None:
    """Which direction to use for DATA and this family, and why."""
    p = _load(data, columns, label, drop_missing)
    with _show.progress() as say:
        found = kl.advise(p, family, need=need, seed=seed, progress=say)
    if json:
        _show.json(found.to_dict())
    else:
        _show.advice(found)


@app.command
def path(
    data: str,
    *,
    columns: Columns = None,
    family: Family = "normal",
    steps: Annotated[int, Parameter(help="Into how many steps alpha is cut, from 0 to 1.")] = 20,
    plot: Plot = None,
    json: Json = False,
    drop_missing: Drop = False,
    seed: Seed = 0,
) -> None:
    """The best fit to DATA followed from reverse (alpha 0) to forward (alpha 1), with its jumps."""
    p = _load(data, columns, None, drop_missing)
    with _show.progress() as say:
        found = kl.path(p, family, seed=seed, steps=steps, progress=say)
        if plot is not None:
            say("drawing")
            kl.plots.path(found, path=plot)
    if json:
        _show.json(found.to_dict())
        return
    _show.path(found)
    if plot is not None:
        _show.line(f"The picture is in {plot}")


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
    wanted = ",".join(columns) or None
    seed = seed or 0
    a, b = _pair(p, q, wanted, drop_missing)
    with _show.progress() as say:
        say("measuring")
        found = kl.compare(a, b, seed=seed)
        if plot is not None:
            say("drawing")
            kl.plots.comparison(found, path=plot)
    if json:
        _show.json(found.to_dict())
        return
    _show.comparison(found)
    if plot is not None:
        _show.line(f"The picture is in {plot}")


@app.command
def plan(
    p: str,
    q: str | None = None,
    /,
    *,
    family: Annotated[str | None, Parameter(help="In the place of Q: which fitter would fit this family.")] = None,
    direction: Literal["forward", "reverse"] = "forward",
    columns: Columns = None,
    json: Json = False,
    drop_missing: Drop = False,
) -> None:
    """Which method would measure P and Q, or which fitter would fit a family to P, and why not the others."""
    if (q is None) == (family is None):
        raise InputError("plan needs Q, for a divergence, or --family, for a fit; one of them")
    if q is None:
        found = kl.plan(_load(p, columns, None, drop_missing), family=family, direction=direction)
    else:
        a, b = _pair(p, q, columns, drop_missing)
        found = kl.plan(a, b, direction=direction)
    if json:
        _show.json(found.to_dict())
    else:
        _show.plan(found)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: 0 well, 1 a threshold passed, 2 bad input, 3 a bug, 130 on Ctrl-C, 143 when ended."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without these letters gets marks in their place
            stream.reconfigure(errors="replace")
    ended: list[int] = []
    with _ending(ended):
        try:
            app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        except (KullbackError, CycloptsError) as error:
            _leave(str(error).strip(), 2)
        except KeyboardInterrupt as stop:
            _leave("ended" if ended else str(stop) or "stopped", 143 if ended else 130)
        except BrokenPipeError:
            sys.stderr.close()
            raise SystemExit(0) from None
        except OSError as error:
            _leave(f"cannot write the result: {error}", 2)
        except Exception as error:
            _leave(f"internal error, {_place(error)}. This is a bug: please report it with the command line", 3)


@contextmanager
def _ending(ended: list[int]) -> Iterator[None]:
    """While it runs, the signal that ends a job is taken as Ctrl-C is, so that what spilled is cleaned away."""

    def stop(number: int, _: object) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _place(error: Exception) -> str:
    """What went wrong, and where, in one line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first} ({Path(last.filename).name}, line {last.lineno})"


def _leave(message: str, code: int) -> None:
    sys.stderr.write("\n".join(map(visible, f"kullback: {message}".split("\n"))) + "\n")
    raise SystemExit(code)


def _load(text: str, columns: str | None, label: str | None, drop_missing: bool) -> Any:
    """A file's columns as draws, or the text form as it is."""
    if not _is_file(text):
        if columns or label:
            raise InputError(f"--columns and --label go with a file, and {text!r} is not one")
        return text
    names = [c.strip() for c in columns.split(",") if c.strip()] if columns else None
    if not names:
        available = list(kl.read(text).columns)
        raise InputError(f"say which columns of {text} to use, for example --columns {','.join(available[:2])}")
    wanted = [*names, label] if label else names
    return kl.read(text, wanted).to_sample(names, label=label, drop_missing=drop_missing)


def _pair(p: str, q: str, columns: str | None, drop_missing: bool) -> tuple[Any, Any]:
    if _is_file(p) and _is_file(q):
        raise InputError("plan looks at one file and one text form; two files are compared by counting their columns")

    def load(t: str) -> Any:
        return _load(t, columns, None, drop_missing) if _is_file(t) else t

    if columns and not (_is_file(p) or _is_file(q)):
        raise InputError("--columns goes with a file, and neither P nor Q is one")
    return load(p), load(q)


def _is_file(text: str) -> bool:
    return text.lower().endswith(ENDINGS) or ("(" not in text and Path(text).is_file())


def _single(found: Fit) -> dict[str, Any]:
    return {
        "schema": 1,
        "p": found.p,
        "fits": {str(found.direction): found.to_dict()},
        "advice": None,
    }
