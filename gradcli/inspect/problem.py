"""A problem: a function, a value for each of its arguments, and the parts of them to differentiate with respect to.

Everything the commands compute is a function of the *chosen leaves*: the float leaves that ``--wrt`` or ``--argnums``
picks (default: all of them). Other arrays are constants; Python bools, ints, strings and the like stay what they are,
so that ``range(n)`` and ``if flag`` mean to the function what they always do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter as Python
from typing import Any

import numpy as np

from gradcli.engine.array import is_value, raw, type_of
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import FLOAT32, FLOAT64, real_dtype
from gradcli.engine.record import record, replaced
from gradcli.engine.settings import settings
from gradcli.engine.tree import TreeDef, tree_flatten_with_path, tree_unflatten
from gradcli.inspect.results import Values
from gradcli.sources.target import MISSING, Target


@record
class Request:
    """What the shared options ask: values by name, and what to differentiate with respect to (None: all floats)."""

    given: Mapping[str, Any]
    wrt: tuple[str, ...] | None = None
    argnums: tuple[int, ...] | None = None


@record
class Chosen:
    """One thing to differentiate with respect to: its label, its leaves among all leaves, and its shape as a tree."""

    label: str
    leaves: tuple[int, ...]
    tree: TreeDef
    places: tuple[int, ...]

    def assemble(self, found: Mapping[int, Any]) -> Any:
        """The tree with results at its float leaves, None at the others."""
        return tree_unflatten(self.tree, [found.get(i) for i in self.places])


@record
class Problem:
    """See the module. ``leaves`` are all leaves of the arguments; ``numbers`` the indices of those to be traced."""

    target: Target
    names: tuple[str, ...]
    args: tuple[Any, ...]
    leaves: tuple[Any, ...]
    paths: tuple[str, ...]
    tree: TreeDef
    chosen: tuple[Chosen, ...]
    notes: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """The precision in force."""
        return settings().precision

    @property
    def width(self) -> Any:
        """float64, or float32 where no point has more."""
        return FLOAT64 if any(real_dtype(type_of(p).dtype) == FLOAT64 for p in self.points) else FLOAT32

    @property
    def name(self) -> str:
        """The function's name in labels such as ``df/dx``; an expression is ``f``."""
        return "f" if self.target.kind == "expression" else self.target.name

    @property
    def inputs(self) -> Values:
        """The arguments by name."""
        return dict(zip(self.names, self.args, strict=True))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The leaves that derivatives are taken with respect to, in the order of ``chosen``."""
        return tuple(dict.fromkeys(i for c in self.chosen for i in c.leaves))

    @property
    def points(self) -> tuple[Any, ...]:
        """The values of the chosen leaves."""
        return tuple(as_value(self.leaves[i]) for i in self.numbers)

    def call(self, *args: Any) -> Any:
        """Calls the function with these arguments, by position or name as it wants them."""
        positional, named = [], {}
        for name, value in zip(self.names, args, strict=True):
            kind = kind_of(self.target, name)
            if kind is Python.VAR_POSITIONAL:
                positional.extend(value)
            elif kind is Python.VAR_KEYWORD:
                named.update(value)
            elif kind is Python.KEYWORD_ONLY:
                named[name] = value
            else:
                positional.append(value)
        return self.target.function(*positional, **named)

    def of_chosen(self, *values: Any) -> Any:
        """The function of the chosen leaves alone."""
        return self.at(self.numbers, values)

    def at(self, numbers: Sequence[int], values: Sequence[Any]) -> Any:
        """The function's result with these values at those leaves."""
        full = [as_value(x) if isinstance(x, np.ndarray) and is_value(x) else x for x in self.leaves]
        for i, value in zip(numbers, values, strict=True):
            full[i] = value
        return self.call(*tree_unflatten(self.tree, full))

    def by_label(self, results: Sequence[Any]) -> Values:
        """Results for the chosen leaves, gathered to values by label."""
        found = dict(zip(self.numbers, results, strict=True))
        return {c.label: c.assemble(found) for c in self.chosen}

    def leaf_labels(self) -> list[str]:
        """A label for each chosen leaf: ``x``, ``params.w``, ``layers[0]``."""
        return [self.paths[i] for i in self.numbers]

    def with_leaves(self, numbers: Sequence[int], values: Sequence[Any]) -> Problem:
        """The same problem at other values of some leaves."""
        leaves = list(self.leaves)
        for i, value in zip(numbers, values, strict=True):
            leaves[i] = value
        args = tree_unflatten(self.tree, leaves)
        return replaced(self, leaves=tuple(leaves), args=tuple(args))


def problem_of(target: Target, request: Request, derivative: bool = True) -> Problem:
    """Binds values to parameters and picks the chosen leaves; ints are promoted where a derivative is asked of them.

    Raises G102 for an argument without a value, G105 for unknown names, G205 where nothing holds floats.
    """
    names, args = bind_arguments(target, request.given)
    pairs, tree = tree_flatten_with_path(tuple(args))
    paths = tuple(_dotted(path, names) for path, _ in pairs)
    leaves = [x for _, x in pairs]
    problem = Problem(target, names, tuple(args), tuple(leaves), paths, tree, ())
    if not derivative:
        return problem
    labels = _labels(problem, request)
    promoted = _promotable(problem, labels, request)
    if promoted:
        dtype = np.dtype(settings().precision)
        floats = [float(x) if isinstance(x, int) else np.asarray(raw(x)).astype(dtype) for x in
                  (leaves[i] for i in promoted)]  # fmt: skip
        problem = problem.with_leaves(promoted, floats)
    chosen = tuple(_choose(problem, label) for label in labels or problem.names)
    chosen = tuple(c for c in chosen if c.leaves or labels is not None)
    _require_floats(problem, chosen)
    return replaced(problem, chosen=chosen, notes=_promotion_notes(problem, promoted, chosen, labels, request))


def bind_arguments(target: Target, given: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Any]]:
    """A value for each parameter: given, its default, or from ``example_inputs``; and the names in order."""
    known = [p.name for p in target.parameters]
    takes_any = any(p.kind is Python.VAR_KEYWORD for p in target.parameters)
    for name in given:
        if name not in known and not takes_any:
            close = get_close_matches(name, known, 1)
            raise fail(
                "G105",
                f"{called(target)} has no argument {name!r}",
                hint=f"did you mean {close[0]}?" if close else f"its arguments: {', '.join(known) or 'none'}",
            )
    names, args, missing = [], [], []
    for p in target.parameters:
        if p.kind is Python.VAR_KEYWORD:
            rest = {k: v for k, v in given.items() if k not in known}
            value: Any = given.get(p.name, rest)
        elif p.name in given:
            value = given[p.name]
        elif p.name in target.example_inputs:
            value = target.example_inputs[p.name]
        elif p.default is not MISSING:
            value = p.default
        elif p.kind is Python.VAR_POSITIONAL:
            value = ()
        else:
            missing.append(p.name)
            continue
        names.append(p.name)
        args.append(value)
    if missing:
        raise _missing(target, missing)
    return tuple(names), args


def _missing(target: Target, names: Sequence[str]) -> Exception:
    what = " and ".join(names) if len(names) < 3 else ", ".join(names)
    example = ",".join(f"{n}=1.0" for n in names)
    error: Exception = fail(
        "G102",
        f"{called(target)} needs a value for {what}",
        hint=f"add --at {example} (or --at {names[0]}=@file.npy; see `gradcli grad --help`)",
    )
    return error


def called(target: Target) -> str:
    """How messages name the function: ``loss()``, or ``the expression``."""
    return "the expression" if target.kind == "expression" else f"{target.name}()"


def kind_of(target: Target, name: str) -> Any:
    """The kind of a parameter, as ``inspect`` names them."""
    return next(p.kind for p in target.parameters if p.name == name)


def _dotted(path: str, names: Sequence[str]) -> str:
    """``[0]['w'][1]`` as ``params.w[1]``."""
    head, rest = re.match(r"\[(\d+)\](.*)", path, re.S).groups()  # type: ignore[union-attr]
    return names[int(head)] + dotted(rest)


def dotted(path: str) -> str:
    """``['w'][1]`` as ``.w[1]``."""
    return re.sub(r"\['([^'\]]*)'\]", r".\1", path)


def _normal(label: str) -> str:
    return re.sub(r"\[['\"]([^'\"\]]*)['\"]\]", r".\1", label.strip())


def _below(path: str, label: str) -> bool:
    return path == label or (path.startswith(label) and path[len(label)] in ".[")


def _labels(problem: Problem, request: Request) -> tuple[str, ...] | None:
    """The labels asked for, in normal form; None when nothing was asked."""
    if request.argnums is not None:
        n = len(problem.names)
        for i in request.argnums:
            if not -n <= i < n:
                raise fail("G105", f"{called(problem.target)} has no argument number {i}; it has {n}")
        return tuple(problem.names[i] for i in request.argnums)
    if request.wrt is None:
        return None
    labels = tuple(_normal(w) for w in request.wrt)
    for label in labels:
        if not any(_below(path, label) for path in problem.paths):
            known = [*problem.names, *(p for p in problem.paths if p not in problem.names)]
            close = get_close_matches(label, known, 1)
            raise fail(
                "G105",
                f"{called(problem.target)} has no argument {label!r} to differentiate with respect to",
                hint=f"did you mean {close[0]}?" if close else f"choose among {', '.join(known[:12])}",
            )
    return labels


def _is_int(x: Any) -> bool:
    return is_value(x) and not isinstance(x, bool) and type_of(x).dtype.kind in "iu"


def _is_float(x: Any) -> bool:
    return is_value(x) and type_of(x).is_float


def _promotable(problem: Problem, labels: tuple[str, ...] | None, request: Request) -> list[int]:
    """Integer leaves that become floats: those asked for by name or, where nothing holds floats, those given."""
    ints = [i for i, x in enumerate(problem.leaves) if _is_int(x)]
    if labels is not None:
        return [i for i in ints if any(_below(problem.paths[i], label) for label in labels)]
    if any(_is_float(x) for x in problem.leaves):
        return []
    given = [i for i in ints if re.split(r"[.\[]", problem.paths[i])[0] in request.given]
    return given or ints


def _choose(problem: Problem, label: str) -> Chosen:
    inside = tuple(i for i, path in enumerate(problem.paths) if _below(path, label))
    floats = tuple(i for i in inside if _is_float(problem.leaves[i]))
    return Chosen(label, floats, _subtree(problem, label), inside)


def _subtree(problem: Problem, label: str) -> TreeDef:
    """The structure of what a label names, found by walking down one level at a time."""
    at = next(name for name in problem.names if _below(label, name))
    node = problem.inputs[at]
    while at != label:
        step = next(((name, child) for name, child in _children(node, at) if _below(label, name)), None)
        if step is None:
            break
        at, node = step
    return tree_flatten_with_path(node)[1]


def _children(node: Any, name: str) -> list[tuple[str, Any]]:
    """The parts of a container one level down, with their labels."""
    pairs = tree_flatten_with_path(node, is_leaf=lambda x: x is not node)[0]
    return [(name + dotted(path), child) for path, child in pairs]


def _require_floats(problem: Problem, chosen: Sequence[Chosen]) -> None:
    empty = [c.label for c in chosen if not c.leaves]
    if empty or not chosen:
        what = f"{empty[0]} holds no floats" if empty else f"no argument of {called(problem.target)} holds floats"
        raise fail("G205", f"{what}: there is nothing to differentiate", hint="give a float, e.g. --at x=1.0")


def _promotion_notes(
    problem: Problem, promoted: Sequence[int], chosen: Sequence[Chosen], labels: Any, request: Request
) -> tuple[str, ...]:
    notes = []
    if promoted:
        names = ", ".join(problem.paths[i] for i in promoted)
        notes.append(f"promoted to {settings().precision}: {names} (derivatives need floats)")
    if labels is None:
        left = [
            path for path, x in zip(problem.paths, problem.leaves, strict=True)
            if _is_int(x) and re.split(r"[.\[]", path)[0] in request.given
        ]  # fmt: skip
        if left:
            notes.append(f"no derivative by {', '.join(left)}: integers (write 2.0 for 2, or use --wrt)")
    return tuple(notes)


