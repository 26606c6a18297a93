"""The parameters of equations as JAX prints them, in its order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gradcli.engine.ir.program import Eqn

Params = dict[str, Any]

_UPDATES: Params = {"update_consts": (), "update_jaxpr": None}
# Parameters that an equation has in JAX alone, with the value that they have here.
_ALSO: dict[str, Params] = {
    "reduce_sum": {"out_sharding": None}, "reshape": {"dimensions": None, "sharding": None}, "iota": {"sharding": None},
    "conv_general_dilated": {"out_sharding": None, "precision": None},
    "rng_bit_generator": {"algorithm": "RNG_DEFAULT", "out_sharding": None},
    "reduce_window": {"consts": ()}, "random_wrap": {"impl": "fry"},
}  # fmt: skip
_HERE_ALONE = {"partitionable"}  # JAX has it of its configuration
_DEBUG_EFFECTS = {False: "Debug", True: "OrderedDebug"}


def _broadcast(eqn: Eqn) -> Params:
    return {k: v for k, v in eqn.params.items() if k != "shape" and v != ()}  # the shape is that of the result


def _dot(eqn: Eqn) -> Params:
    numbers = tuple(tuple(list(axes) for axes in pair) for pair in eqn.params["dimension_numbers"])
    return {**{k: v for k, v in eqn.params.items() if v is not None}, "dimension_numbers": numbers}


def _conj(eqn: Eqn) -> Params:
    return {"input_dtype": eqn.inputs[0].type.dtype}


def _custom(eqn: Eqn) -> Params:
    return {k: _rule_name(v) if k in ("jvp", "fwd", "bwd") else v for k, v in eqn.params.items()}


def _rule_name(rule: Any) -> Any:
    return getattr(rule, "__name__", rule)


def _scatter(eqn: Eqn) -> Params:
    return {**_UPDATES, **eqn.params}


def _callback(eqn: Eqn) -> Params:
    types = [f"ShapedArray({t.long().removeprefix('~')})" for t in eqn.params["result_avals"]]
    text = f"_FlatCallback(callback_func={eqn.params['callback'].function}, in_tree={eqn.params['callback'].tree})"
    return {**eqn.params, "callback": text, "result_avals": f"({', '.join(types)}{',' * (len(types) == 1)})"}


def _debug_print(eqn: Eqn) -> Params:
    params = {k: v for k, v in eqn.params.items() if k != "callback"}
    more = {"has_placeholders": "{" in params["fmt"], "in_tree": eqn.params["callback"].tree, "logging_record": None}
    return {**params, **more, "np_printoptions": tuple(np.get_printoptions().items()), "static_args": ()}


def _linear_solve(eqn: Eqn) -> Params:
    return {k: f"_{type(v).__name__}Tuple{str(v).removeprefix(type(v).__name__)}" for k, v in eqn.params.items()}


def _debug_callback(eqn: Eqn) -> Params:
    params = {k: v for k, v in eqn.params.items() if k != "ordered"}
    return {**params, "effect": _DEBUG_EFFECTS[bool(eqn.params.get("ordered"))]}


_RULES: dict[str, Callable[[Eqn], Params]] = {
    "broadcast_in_dim": _broadcast, "dot_general": _dot, "conj": _conj, "custom_jvp_call": _custom,
    "custom_vjp_call": _custom, "debug_callback": _debug_callback, "pure_callback": _callback,
    "io_callback": _callback, "debug_print": _debug_print, "custom_linear_solve": _linear_solve,
    **dict.fromkeys(("scatter", "scatter-add", "scatter-sub", "scatter-mul", "scatter-min", "scatter-max"), _scatter),
}  # fmt: skip


def shown_params(eqn: Eqn) -> Params:
    """The parameters that JAX prints for an equation, in its order."""
    name = eqn.primitive.name
    rule = _RULES.get(name)
    params = rule(eqn) if rule is not None else {**eqn.params, **_ALSO.get(name, {})}
    params = {k: v for k, v in params.items() if k not in _HERE_ALONE}
    return dict(sorted(params.items(), key=lambda item: (item[0] != "name", item[0])))
