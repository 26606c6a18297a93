"""Calling a function of a plain NumPy file: boxes go in, values come out, and nothing of the run is left behind."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.compat.boxes import Number, as_plain, boxed, boxes, boxing, unboxed
from gradcli.compat.state import State
from gradcli.engine.array import Array, Value


def entered(
    function: Callable[..., Any], modules: Callable[[], Sequence[types.ModuleType]], plain: Callable[[], bool]
) -> Callable[..., Any]:
    """The function as the commands call it.

    ``modules``: those of the user's, whose state the function may change; ``plain``: whether its values are boxed.
    """
    _mark()

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not plain():
            return function(*args, **kwargs)
        _restart()
        state = State(modules(), function)
        try:
            with boxes(True):
                if not boxing():
                    return function(*_each(args, as_plain), **_each(kwargs, as_plain))
                with state.boxed():
                    return unboxed(function(*_each(args, _argument), **_each(kwargs, _argument)))
        except Exception as error:
            better = import_module("gradcli.compat.explain").explained(error)
            if better is error:
                raise
            raise better from error
        finally:
            state.restore()

    return run


def _mark() -> None:
    """Remembers where the random numbers of NumPy and of Python are: each run of the function begins there.

    What is not loaded yet has drawn nothing, and starts from its own beginning when a run loads it.
    """
    global _python_state
    stream, python = sys.modules.get(_RANDOMNESS), sys.modules.get("random")
    if stream is not None:
        stream.STREAM.mark()
    _python_state = python.getstate() if python is not None else None


def _restart() -> None:
    global _python_state
    stream, python = sys.modules.get(_RANDOMNESS), sys.modules.get("random")
    if stream is not None:
        stream.STREAM.restart()
    if python is not None:
        if _python_state is None:
            _python_state = python.getstate()
        python.setstate(_python_state)


_RANDOMNESS = "gradcli.compat.randomness"
_python_state: Any = None


def _each(x: Any, f: Callable[[Any], Any]) -> Any:
    """A tree of arguments with every leaf changed."""
    kind = type(x)
    if kind is list or kind is tuple:
        return kind([_each(item, f) for item in x])
    if kind is dict:
        return {key: _each(value, f) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[_each(item, f) for item in x])
    return f(x)


def _argument(x: Any) -> Any:
    if isinstance(x, Value) and not x.type.shape and not isinstance(x, Array):
        return Number(x, True)
    return boxed(as_plain(x) if isinstance(x, (Array, np.ndarray)) else x)
