"""``jax.experimental.host_callback``, which JAX had before ``jax.debug`` and the callbacks of today."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from gradcli import debug, pure_callback
from gradcli.engine.tree import tree_map


def id_tap(tap_func: Callable[..., Any], arg: Any, *, result: Any = None, **_: Any) -> Any:
    """Calls ``tap_func(arg, transforms)`` with the values when they are known; ``result`` or ``arg`` itself comes back.

    A batch is handed over one sample at a time, so ``transforms`` is always empty.
    """
    debug.callback(lambda value: tap_func(value, ()), arg)
    return arg if result is None else result


def id_print(arg: Any, *, result: Any = None, output_stream: TextIO | None = None, **named: Any) -> Any:
    """Prints the values when they are known, after ``named`` as they are written; returns as :func:`id_tap` does."""
    names = [f"{k}: {v}" for k, v in sorted(named.items()) if k not in ("tap_with_device", "device_index", "threshold")]

    def show(value: Any, _: Any) -> None:
        print(*names, tree_map(np.asarray, value), file=output_stream or sys.stdout)

    return id_tap(show, arg, result=result)


def call(callback_func: Callable[[Any], Any], arg: Any, *, result_shape: Any = None, **_: Any) -> Any:
    """``callback_func(arg)``, computed outside of the program; ``result_shape`` has arrays or shapes with dtypes."""
    if result_shape is None:
        return debug.callback(callback_func, arg)
    return pure_callback(callback_func, result_shape, arg, vmap_method="sequential")


def barrier_wait(logging_name: str | None = None) -> None:
    """Nothing: calls are never put off."""


__all__ = ["barrier_wait", "call", "id_print", "id_tap"]
