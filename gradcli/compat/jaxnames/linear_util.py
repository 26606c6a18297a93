"""``jax.extend.linear_util`` and ``jax.api_util``: functions wrapped in changes of their arguments and results.

A change is a generator: it yields the arguments (and names) for the function inside, is sent what that returns, and
yields what to return instead. One "with aux" yields a pair, whose second part a thunk gives back after the call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.tree import TreeDef, tree_flatten, tree_unflatten

Generator = Callable[..., Any]


class WrappedFun:
    """A function and what is done around it; ``call_wrapped`` calls it."""

    def __init__(self, f: Callable[..., Any], params: dict[str, Any] | None = None, debug_info: Any = None) -> None:
        self.f, self.params, self.debug_info = f, params or {}, debug_info
        self.__name__ = getattr(f, "__name__", "<unnamed function>")

    def call_wrapped(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the function with all changes."""
        return self.f(*args, **self.params, **kwargs)


def wrap_init(f: Callable[..., Any], params: dict[str, Any] | None = None, *, debug_info: Any = None) -> WrappedFun:
    """The function, ready for changes."""
    return f if isinstance(f, WrappedFun) else WrappedFun(f, params, debug_info)


def _changed(fun: WrappedFun, run: Callable[..., Any]) -> WrappedFun:
    run.__name__ = fun.__name__
    return WrappedFun(run, debug_info=fun.debug_info)


def _step(gen: Generator, given: Sequence[Any], fun: WrappedFun, args: Any, kwargs: Any) -> Any:
    steps = gen(*given, *args, **kwargs)
    inner_args, inner_kwargs = next(steps)
    out = steps.send(fun.call_wrapped(*inner_args, **inner_kwargs))
    steps.close()
    return out


def transformation(gen: Generator) -> Callable[..., WrappedFun]:
    """The change that a generator makes: called with a wrapped function and the generator's own first arguments."""

    @functools.wraps(gen)
    def change(fun: WrappedFun, *given: Any) -> WrappedFun:
        return _changed(fun, lambda *args, **kwargs: _step(gen, given, fun, args, kwargs))

    return change


def transformation_with_aux(gen: Generator) -> Callable[..., tuple[WrappedFun, Callable[[], Any]]]:
    """As :func:`transformation`, with a thunk that gives the second part of what the generator yields last."""

    @functools.wraps(gen)
    def change(fun: WrappedFun, *given: Any) -> tuple[WrappedFun, Callable[[], Any]]:
        kept: list[Any] = []

        def run(*args: Any, **kwargs: Any) -> Any:
            out, aux = _step(gen, given, fun, args, kwargs)
            kept[:] = [aux]
            return out

        def thunk() -> Any:
            if not kept:
                raise ValueError("the function has not been called yet, so there is nothing beside its result")
            return kept[0]

        return _changed(fun, run), thunk

    return change


def debug_info(*_: Any, **__: Any) -> None:
    """Nothing: functions know their own names."""


@transformation_with_aux
def flatten_fun(in_tree: TreeDef, *leaves: Any) -> Any:
    """Of a function of pytrees, one of the leaves of ``(args, kwargs)``, with a list of leaves as its result."""
    args, kwargs = tree_unflatten(in_tree, leaves)
    out = yield args, kwargs
    yield tree_flatten(out)


@transformation_with_aux
def flatten_fun_nokwargs(in_tree: TreeDef, *leaves: Any) -> Any:
    """As :func:`flatten_fun`, of the leaves of ``args`` alone."""
    out = yield tree_unflatten(in_tree, leaves), {}
    yield tree_flatten(out)


def argnums_partial(fun: WrappedFun, argnums: int | Sequence[int], args: Sequence[Any], **_: Any) -> Any:
    """The function of the arguments at these places alone, and those arguments."""
    places = [n % len(args) for n in ((argnums,) if isinstance(argnums, int) else argnums)]

    def run(*dynamic: Any, **kwargs: Any) -> Any:
        whole = list(args)
        for place, value in zip(places, dynamic, strict=True):
            whole[place] = value
        return fun.call_wrapped(*whole, **kwargs)

    return _changed(fun, run), tuple(args[n] for n in places)


__all__ = [
    "WrappedFun", "argnums_partial", "debug_info", "flatten_fun", "flatten_fun_nokwargs", "transformation",
    "transformation_with_aux", "wrap_init",
]  # fmt: skip
