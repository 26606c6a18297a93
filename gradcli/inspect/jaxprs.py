"""``jaxpr``: the program of a function or of a composition of transformations, such as ``batch(grad(grad))``.

The grammar of ``--of``: ``f`` is the function itself; any other name is a transformation, of ``f`` or of what it is
given in parentheses, so ``grad`` means ``grad(f)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcli.engine import api
from gradcli.engine.array import Array, raw, type_of
from gradcli.engine.autodiff import program_of
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.execute.codegen import source_of
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.text import jaxpr_json, jaxpr_text
from gradcli.engine.transforms.narrow import widened
from gradcli.engine.transforms.simplify import simplify as simplified
from gradcli.engine.tree import tree_flatten, tree_unflatten
from gradcli.inspect.problem import Problem
from gradcli.inspect.results import JaxprResult
from gradcli.inspect.samples import Samples

TRANSFORMS = ("f", "grad", "value_and_grad", "jvp", "vjp", "hessian", "batch")


@dataclass(frozen=True)
class Stage:
    """A function of flat values and values to trace it at; ``wrt`` are the positions to differentiate."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...]


def parse_of(text: str) -> list[str]:
    """The transformations from the outermost to the innermost.

    >>> parse_of("batch(grad(grad))"), parse_of("f"), parse_of("grad(f)")
    (['batch', 'grad', 'grad'], [], ['grad'])
    """
    rest, names = text.replace(" ", ""), []
    while True:
        match = re.fullmatch(r"([A-Za-z_]\w*)(?:\((.*)\))?", rest)
        if match is None:
            raise fail("G101", f"--of {text!r} cannot be read", hint="write e.g. grad, hessian or batch(grad(grad))")
        name, inner = match.groups()
        if name not in TRANSFORMS:
            raise fail("G105", f"--of {text!r}: no transformation {name!r}", hint=f"one of {', '.join(TRANSFORMS)}")
        if name == "f" and inner is not None:
            raise fail("G101", f"--of {text!r}: f is the function itself and takes nothing in parentheses")
        if name != "f":
            names.append(name)
        if inner is None:
            return names
        rest = inner


def staged(problem: Problem, of: str, over: Sequence[str]) -> Stage:
    """The composition as one function of the problem's number leaves (all arguments in order), and their values."""
    names = parse_of(of)
    numbers = tuple(i for i, x in enumerate(problem.leaves) if _is_number(x))
    if "batch" not in names:
        return _transformed(_base(problem, numbers, problem), names)
    at = names.index("batch")
    if "batch" in names[at + 1 :]:
        raise fail("G101", f"--of {of!r}: one batch is enough", hint="flatten the data to one batch axis")
    samples = Samples.of(problem, over or _batched_names(problem))
    inner = _transformed(_base(problem, numbers, samples.one(0)), names[at + 1 :])
    dims = tuple(samples.axes.get(i) for i in numbers) + (None,) * (len(inner.args) - len(numbers))
    whole = tuple(as_value(problem.leaves[i]) for i in numbers) + inner.args[len(numbers) :]
    outer = Stage(api.vmap(inner.function, in_axes=dims), whole, inner.wrt)
    return _transformed(outer, names[:at])


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, complex, np.ndarray, np.generic, Array)) and not isinstance(x, bool)


def _batched_names(problem: Problem) -> list[str]:
    found = [name for name, value in problem.inputs.items() if all(np.ndim(x) for x in tree_flatten(value)[0])]
    if not found:
        raise fail("G211", "no argument holds a batch", hint="give arrays: one value a sample, e.g. --at 'x=[1.0,2.0]'")
    return found


def _base(problem: Problem, numbers: tuple[int, ...], sample: Problem) -> Stage:
    def f(*values: Any) -> Any:
        return problem.at(numbers, values)

    f.__name__ = problem.name
    args = tuple(as_value(sample.leaves[i]) for i in numbers)
    return Stage(f, args, tuple(numbers.index(i) for i in problem.numbers))


def _transformed(stage: Stage, names: Sequence[str]) -> Stage:
    for name in reversed(names):
        stage = _BUILD[name](stage)
    return stage


def _argnums(stage: Stage) -> Any:
    """One position as such, so that gradients of gradients come out bare and not in a tuple."""
    return stage.wrt[0] if len(stage.wrt) == 1 else stage.wrt


def _grad(stage: Stage) -> Stage:
    return Stage(api.grad(stage.function, _argnums(stage)), stage.args, stage.wrt)


def _value_and_grad(stage: Stage) -> Stage:
    return Stage(api.value_and_grad(stage.function, _argnums(stage)), stage.args, stage.wrt)


def _hessian(stage: Stage) -> Stage:
    return Stage(api.hessian(stage.function, _argnums(stage)), stage.args, stage.wrt)


def _jvp(stage: Stage) -> Stage:
    """Tangents of what is differentiated become further inputs."""
    n = len(stage.args)

    def run(*values: Any) -> Any:
        inner = values[:n]
        chosen = tuple(inner[i] for i in stage.wrt)
        return api.jvp(lambda *xs: stage.function(*_with(inner, stage.wrt, xs)), chosen, values[n:])

    ones = tuple(_ones(stage.args[i]) for i in stage.wrt)
    return Stage(run, (*stage.args, *ones), stage.wrt)


def _vjp(stage: Stage) -> Stage:
    """The output's cotangent becomes a further input."""
    n = len(stage.args)
    jaxpr, _, _, out_tree = program_of(stage.function, stage.args)
    cts = [_ones(t) for t in jaxpr.out_types]

    def run(*values: Any) -> Any:
        inner = values[:n]
        out, pull = api.vjp(lambda *xs: stage.function(*_with(inner, stage.wrt, xs)), *(inner[i] for i in stage.wrt))
        return out, pull(tree_unflatten(out_tree, values[n:]))

    return Stage(run, (*stage.args, *cts), stage.wrt)


def _ones(like: Any) -> Any:
    t = type_of(like) if hasattr(like, "concrete") else like
    return Array(np.ones(t.shape, t.dtype)[()])


def _with(values: Sequence[Any], places: Sequence[int], new: Sequence[Any]) -> list[Any]:
    full = list(values)
    for i, x in zip(places, new, strict=True):
        full[i] = x
    return full


_BUILD: dict[str, Callable[[Stage], Stage]] = {
    "grad": _grad, "value_and_grad": _value_and_grad, "hessian": _hessian, "jvp": _jvp, "vjp": _vjp,
}  # fmt: skip


def program(problem: Problem, of: str, over: Sequence[str] = (), simplify: bool = False) -> tuple[Jaxpr, list[Any]]:
    """The program of a composition and the values it was traced at."""
    stage = staged(problem, of, over)
    jaxpr, leaves, _, _ = program_of(stage.function, stage.args)
    return (simplified(jaxpr, inline=True) if simplify else jaxpr), leaves


def jaxpr_of(
    problem: Problem, of: str, over: Sequence[str] = (), style: Any = "modern", source: bool = False,
    values: bool = False, simplify: bool = False,
) -> JaxprResult:  # fmt: skip
    """The program as text and data; ``values`` adds what every equation computes at the arguments' values."""
    jaxpr, leaves = program(problem, of, over, simplify)
    data = jaxpr_json(jaxpr)
    found = _values(jaxpr, leaves) if values else None
    return JaxprResult(
        target=problem.target.label, dtype=problem.dtype, of=of, data=data, values=found,
        text=jaxpr_text(jaxpr, style=style, source=source),
        notes=(*problem.notes, *dict.fromkeys(str(note) for note in jaxpr.notes)),
    )  # fmt: skip


def python_of(problem: Problem, of: str, over: Sequence[str] = ()) -> str:
    """The program as the source of a NumPy function that needs nothing of gradcli."""
    jaxpr, _ = program(problem, of, over)
    names = parse_of(of)
    return source_of(widened(jaxpr), "_".join([*names, problem.name]), _input_names(problem, names, len(jaxpr.inputs)))


def _input_names(problem: Problem, names: Sequence[str], count: int) -> list[str]:
    """The arguments' names, then those of the tangents or cotangents that a composition adds; [] where unclear."""
    found = [problem.paths[i] for i, x in enumerate(problem.leaves) if _is_number(x)]
    chosen = [problem.paths[i] for i in problem.numbers]
    for name in reversed(names):
        if name == "jvp":
            found += [f"{path}_dot" for path in chosen]
        elif name == "vjp":
            found += ["ct"] if count == len(found) + 1 else [f"ct{i + 1}" for i in range(count - len(found))]
    return found if len(found) == count else []


def _values(jaxpr: Jaxpr, leaves: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    seen: list[tuple[str, ...]] = []
    interpret(jaxpr, [raw(x) for x in leaves], lambda eqn, outs: seen.append(tuple(_short(o) for o in outs)))
    return tuple(seen)


def _short(x: Any) -> str:
    if np.ndim(x) == 0:
        return str(np.asarray(x)[()])
    return np.array2string(np.asarray(x), threshold=6, edgeitems=2, max_line_width=10**6, separator=", ")
