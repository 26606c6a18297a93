"""What a function captured: finding the traced values in its closure, and the same function with other values there.

A custom derivative rule is called when a transformation reaches the call it belongs to. By then the trace that the rule
was defined in has ended, and what the rule captured of it has become something else: a concrete value, or a variable
of another trace. The rule is therefore rebuilt with those in the place of what it captured.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from gradcli.engine.trace.tracer import Tracer

REBUILT: dict[type, Callable[[Any, Callable[[Any], Any]], Any]] = {}
INSIDE: dict[type, Callable[[Any], Sequence[Any]]] = {}
"""For classes that hold functions: how to make one with other parts, and what is inside."""


def _cells(f: types.FunctionType) -> Iterator[Any]:
    for cell in f.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue


def _inside(x: Any) -> Sequence[Any]:
    kind = type(x)
    if kind is types.FunctionType:
        wrapped = [x.__wrapped__] if hasattr(x, "__wrapped__") else []
        return [*_cells(x), *(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values(), *wrapped]
    if kind is types.MethodType:
        return [x.__func__, x.__self__]
    if kind is functools.partial:
        return [x.func, *x.args, *x.keywords.values()]
    if kind in (list, tuple):
        return cast(Sequence[Any], x)
    if kind is dict:
        return list(x.values())
    found = INSIDE.get(kind)
    return [] if found is None else found(x)


def captured(roots: Sequence[Any]) -> list[Tracer]:
    """The traced values, each once, that functions and containers lead to."""
    found: list[Tracer] = []
    seen: set[int] = set()
    stack = [r for r in reversed(roots) if r is not None]
    while stack:
        x = stack.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        if isinstance(x, Tracer):
            if x.trace.open:
                found.append(x)
            continue
        stack.extend(_inside(x))
    return found


def rebuilt(root: Any, tracers: Sequence[Tracer], values: Sequence[Any]) -> Any:
    """The same function (or container) with values in the place of tracers, wherever it leads to one."""
    if not tracers:
        return root
    memo: dict[int, Any] = {id(t): v for t, v in zip(tracers, values, strict=True)}
    keep: list[Any] = []  # ids stay unique while the walk lasts

    def again(x: Any) -> Any:
        if id(x) in memo:
            return memo[id(x)]
        keep.append(x)
        kind = type(x)
        if kind is types.FunctionType:
            return _function(x)
        if kind is types.MethodType:
            owner, function = again(x.__self__), again(x.__func__)
            made: Any = x if owner is x.__self__ and function is x.__func__ else types.MethodType(function, owner)
        elif kind is functools.partial:
            parts = [x.func, *x.args, *x.keywords.values()]
            new = [again(p) for p in parts]
            n = 1 + len(x.args)
            same = all(a is b for a, b in zip(new, parts, strict=True))
            made = x if same else functools.partial(new[0], *new[1:n], **dict(zip(x.keywords, new[n:], strict=True)))
        elif kind in (list, tuple):
            items = [again(i) for i in x]
            made = x if all(a is b for a, b in zip(items, x, strict=True)) else kind(items)
        elif kind is dict:
            pairs = {k: again(v) for k, v in x.items()}
            made = x if all(pairs[k] is v for k, v in x.items()) else pairs
        elif kind in REBUILT:
            return _object(x)
        else:
            made = x
        memo[id(x)] = made
        return made

    def _function(f: types.FunctionType) -> Any:
        if not captured([f]) and not _reaches(f, tracers):
            memo[id(f)] = f
            return f
        cells = tuple(types.CellType() for _ in f.__closure__ or ())
        made = types.FunctionType(f.__code__, f.__globals__, f.__name__, None, cells)
        memo[id(f)] = made  # before its cells are filled: a function may lead to itself
        made.__dict__.update(f.__dict__)
        made.__qualname__ = f.__qualname__
        made.__defaults__ = None if f.__defaults__ is None else tuple(again(d) for d in f.__defaults__)
        made.__kwdefaults__ = None if f.__kwdefaults__ is None else {k: again(d) for k, d in f.__kwdefaults__.items()}
        for new, old in zip(cells, f.__closure__ or (), strict=True):
            try:
                new.cell_contents = again(old.cell_contents)
            except ValueError:
                continue
        return made

    def _object(x: Any) -> Any:
        if not _reaches(x, tracers):
            memo[id(x)] = x
            return x
        made = object.__new__(type(x))
        memo[id(x)] = made
        made.__dict__.update(x.__dict__)
        REBUILT[type(x)](made, again)
        return made

    return again(root)


def _reaches(root: Any, tracers: Sequence[Tracer]) -> bool:
    wanted = {id(t) for t in tracers}
    seen: set[int] = set()
    stack = [root]
    while stack:
        x = stack.pop()
        if id(x) in wanted:
            return True
        if id(x) in seen or isinstance(x, Tracer):
            continue
        seen.add(id(x))
        stack.extend(_inside(x))
    return False
