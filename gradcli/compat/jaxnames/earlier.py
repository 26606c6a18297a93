"""What JAX has had under other names, for files that were written for those versions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradcli import numpy as gnp
from gradcli import random as grandom
from gradcli.engine import api
from gradcli.engine.array import Value
from gradcli.engine.custom import as_value
from gradcli.engine.functional import custom_gradient


class _Index:
    """``jax.ops.index``: what stands in its brackets, to be handed on."""

    def __getitem__(self, index: Any) -> Any:
        return index


def _indexed(method: str) -> Callable[..., Value]:
    def update(x: Any, idx: Any, y: Any, indices_are_sorted: bool = False, unique_indices: bool = False) -> Value:
        """A copy of ``x`` with the elements at ``idx`` changed by ``y``: ``x.at[idx]`` with its method."""
        place: Any = as_value(x).at[idx]
        found: Value = getattr(place, method)(
            y, indices_are_sorted=indices_are_sorted, unique_indices=unique_indices
        )  # fmt: skip
        return found

    update.__name__ = "index_update" if method == "set" else f"index_{method}"
    return update


def clip(
    arr: Any = None, /, min: Any = None, max: Any = None, *, a: Any = None, a_min: Any = None, a_max: Any = None
) -> Any:
    """``jax.numpy.clip``, whose bounds were once called ``a_min`` and ``a_max`` as they are in NumPy."""
    return gnp.clip(a if arr is None else arr, a_min if min is None else min, a_max if max is None else max)


def in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """For each element of ``ar1``, in one row, whether ``ar2`` has it."""
    return gnp.ravel(gnp.isin(ar1, ar2, assume_unique=assume_unique, invert=invert))


def msort(a: Any) -> Any:
    """The array sorted along its first axis."""
    return gnp.sort(a, axis=0)


def shuffle(key: Any, x: Any, axis: int = 0) -> Any:
    """The elements in a random order along an axis, each line of them in an order of its own."""
    return grandom.permutation(key, x, axis, independent=True)


def tie_in(x: Any, y: Any) -> Any:
    """``y``: operations need no tie to what they are traced with."""
    del x
    return y


class custom_transforms:  # noqa: N801 - JAX's name
    """A function whose rule one of the four functions below gives; without one it is the function itself."""

    def __init__(self, fun: Callable[..., Any]) -> None:
        functools.update_wrapper(self, fun)
        self.fun = self.run = fun

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value."""
        return self.run(*args, **kwargs)


def defvjp_all(fun: custom_transforms, custom_vjp: Callable[..., Any]) -> None:
    """Sets the rule: given the arguments, it returns the result and a function from its cotangent to theirs."""
    fun.run = custom_gradient(custom_vjp)


def defvjp(fun: custom_transforms, *vjprules: Callable[..., Any] | None) -> None:
    """Sets a rule for each argument: given the cotangent, the result and the arguments, it returns its cotangent.

    None says that it is zero.
    """

    def rule(*args: Any) -> tuple[Any, Callable[..., Any]]:
        ans = fun.fun(*args)
        return ans, lambda g: tuple(None if vjp is None else vjp(g, ans, *args) for vjp in vjprules)

    defvjp_all(fun, rule)


def defjvp_all(fun: custom_transforms, custom_jvp: Callable[..., Any]) -> None:
    """Sets the rule: given the arguments and their tangents, it returns the result and its tangent."""
    fun.run = made = api.custom_jvp(fun.fun)
    made.defjvp(custom_jvp)


def defjvp(fun: custom_transforms, *jvprules: Callable[..., Any] | None) -> None:
    """Sets a rule for each argument: given its tangent, the result and the arguments, it returns the result's."""
    fun.run = made = api.custom_jvp(fun.fun)
    made.defjvps(*jvprules)


index = _Index()
index_update, index_add, index_mul = _indexed("set"), _indexed("add"), _indexed("multiply")
index_min, index_max = _indexed("min"), _indexed("max")

# Methods that arrays had.
METHODS: dict[str, Callable[..., Any]] = {
    "split": lambda self, parts, axis=0: gnp.split(self, parts, axis),
    "tile": lambda self, reps: gnp.tile(self, reps),
}
_HERE, _ARRAY = __name__, "gradcli.engine.array:Value"
# By module: where each name leads now.
MEMBERS: dict[str, dict[str, str]] = {
    "jax": {
        "tree_multimap": "gradcli.tree_util:tree_map", "partial": "functools:partial",
        **{n: f"{_HERE}:{n}" for n in (
            "custom_transforms", "defjvp", "defjvp_all", "defvjp", "defvjp_all",
        )},
    },
    "tree_util": {"tree_multimap": "gradcli.tree_util:tree_map"},
    "numpy": {
        "DeviceArray": _ARRAY, "alltrue": "gradcli.numpy:all", "sometrue": "gradcli.numpy:any",
        "product": "gradcli.numpy:prod", "cumproduct": "gradcli.numpy:cumprod",
        "row_stack": "gradcli.numpy:vstack", "trapz": "gradcli.numpy:trapezoid", "round_": "gradcli.numpy:round",
        **{n: f"{_HERE}:{n}" for n in ("clip", "in1d", "msort")},
    },
    "lax": {"tie_in": f"{_HERE}:tie_in"},
    "random": {"shuffle": f"{_HERE}:shuffle", "KeyArray": _ARRAY, "PRNGKeyArray": _ARRAY},
    "ops": {n: f"{_HERE}:{n}" for n in (
        "index", "index_update", "index_add", "index_mul", "index_min", "index_max",
    )},
    "extend.backend": {n: f"gradcli.compat.jaxnames.devices:{n}" for n in (
        "device_count", "devices", "local_devices", "process_count", "process_index",
    )},
    "interpreters.xla": {"DeviceArray": _ARRAY},
}  # fmt: skip
# Modules by the names that they had.
MODULES = {
    "experimental.stax": "example_libraries.stax", "experimental.optimizers": "example_libraries.optimizers",
    "lib.xla_bridge": "extend.backend", "api": "", "linear_util": "extend.linear_util", "abstract_arrays": "core",
}  # fmt: skip
