"""The primitives, and control flow, by the names of ``jax.lax``: operands of one dtype, nothing promoted.

What few programs need is loaded when it is first used; ``add_p`` and the like are the primitives themselves.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from gradcli.engine.control.branch import cond, switch
from gradcli.engine.control.loop import fori_loop, while_loop
from gradcli.engine.control.scan import scan
from gradcli.engine.control.solve import custom_linear_solve, custom_root
from gradcli.engine.ops import indexing as _indexing  # noqa: F401 - indexing works for users of lax alone
from gradcli.engine.ops.bits import bitcast_convert_type, clz, mulhi, reduce_precision
from gradcli.engine.ops.conv import ConvDimensionNumbers
from gradcli.engine.ops.cuts import concatenate
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.dynamic import (
    dynamic_index_in_dim,
    dynamic_slice,
    dynamic_slice_in_dim,
    dynamic_update_index_in_dim,
    dynamic_update_slice,
    dynamic_update_slice_in_dim,
)
from gradcli.engine.ops.elementwise import (
    abs,
    acos,
    acosh,
    add,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    cbrt,
    ceil,
    clamp,
    complex,
    cos,
    cosh,
    div,
    eq,
    exp,
    exp2,
    expm1,
    floor,
    ge,
    gt,
    imag,
    integer_pow,
    is_finite,
    le,
    log,
    log1p,
    logistic,
    lt,
    max,
    min,
    mul,
    ne,
    neg,
    population_count,
    real,
    rem,
    round,
    rsqrt,
    select_n,
    shift_left,
    shift_right_arithmetic,
    shift_right_logical,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    sub,
    tan,
    tanh,
)  # fmt: skip
from gradcli.engine.ops.fma import nextafter
from gradcli.engine.ops.index import gather, scatter, scatter_add, scatter_sub
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers, GatherScatterMode, ScatterDimensionNumbers
from gradcli.engine.ops.pieces import split, stack, tile, unstack
from gradcli.engine.ops.scatter import scatter_max, scatter_min, scatter_mul
from gradcli.engine.ops.sort import sort, top_k
from gradcli.lax._collectives import (
    all_gather,
    all_to_all,
    axis_index,
    axis_size,
    pbroadcast,
    pcast,
    pmax,
    pmean,
    pmin,
    ppermute,
    pshuffle,
    psum,
    psum_scatter,
    pswapaxes,
)  # fmt: skip
from gradcli.lax._convolution import (
    conv,
    conv_dimension_numbers,
    conv_general_dilated,
    conv_general_dilated_local,
    conv_general_dilated_patches,
    conv_general_permutations,
    conv_general_shape_tuple,
    conv_shape_tuple,
    conv_transpose,
    conv_transpose_shape_tuple,
    conv_with_general_padding,
    padtype_to_pads,
)  # fmt: skip
from gradcli.lax._enums import (
    AccuracyMode,
    ConvGeneralDilatedDimensionNumbers,
    DotAlgorithm,
    DotAlgorithmPreset,
    DotDimensionNumbers,
    Precision,
    PrecisionLike,
    RandomAlgorithm,
    RoundingMethod,
    Tolerance,
)  # fmt: skip
from gradcli.lax._functions import (
    approx_max_k,
    approx_min_k,
    batch_matmul,
    broadcast,
    broadcast_like,
    broadcast_shapes,
    broadcast_to_rank,
    broadcasted_iota,
    collapse,
    conj,
    convert_element_type,
    dce_sink,
    dot,
    dtype,
    empty,
    full,
    full_like,
    index_in_dim,
    index_take,
    iota,
    optimization_barrier,
    platform_dependent,
    pow,
    ragged_dot,
    reciprocal,
    reshape,
    scatter_apply,
    select,
    shape_as_value,
    slice_in_dim,
    sort_key_val,
    stage,
    stop_gradient,
    with_sharding_constraint,
)  # fmt: skip
from gradcli.lax._operands import (
    argmax,
    argmin,
    broadcast_in_dim,
    cumlogsumexp,
    cummax,
    cummin,
    cumprod,
    cumsum,
    expand_dims,
    pad,
    reduce_and,
    reduce_max,
    reduce_min,
    reduce_or,
    reduce_prod,
    reduce_sum,
    reduce_xor,
    rev,
    slice,
    squeeze,
    transpose,
)  # fmt: skip
from gradcli.lax._ragged import RaggedDotDimensionNumbers, ragged_dot_general
from gradcli.lax._reductions import reduce, reduce_window, reduce_window_shape_tuple
from gradcli.lax._scans import associative_scan, map

_SPECIAL = (
    "bessel_i0e", "bessel_i1e", "betainc", "digamma", "erf", "erf_inv", "erfc", "igamma", "igamma_grad_a", "igammac",
    "lgamma", "polygamma", "random_gamma_grad", "zeta",
)  # fmt: skip
_LAZY = {
    "FftType": "gradcli.engine.ops.fft", "composite": "gradcli.engine.control.named", "fft": "gradcli.engine.ops.fft",
    "rng_bit_generator": "gradcli.engine.ops.bit_generator",
}  # fmt: skip
_PRIMITIVES = {"scatter_add": "scatter-add", "scatter_sub": "scatter-sub", "scatter_mul": "scatter-mul",
               "scatter_min": "scatter-min", "scatter_max": "scatter-max"}  # fmt: skip

__all__ = [
    "AccuracyMode", "ConvDimensionNumbers", "ConvGeneralDilatedDimensionNumbers", "DotAlgorithm", "DotAlgorithmPreset",
    "DotDimensionNumbers", "RaggedDotDimensionNumbers", "ragged_dot_general", "FftType",
    "GatherDimensionNumbers", "GatherScatterMode", "Precision", "PrecisionLike", "RandomAlgorithm", "RoundingMethod",
    "ScatterDimensionNumbers", "Tolerance", "abs", "acos", "acosh", "add", "all_gather", "all_to_all", "approx_max_k",
    "approx_min_k", "argmax", "argmin", "asin", "asinh", "associative_scan", "atan", "atan2", "atanh", "axis_index",
    "axis_size", "batch_matmul", "bitcast_convert_type", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor",
    "broadcast", "broadcast_in_dim", "broadcast_like", "broadcast_shapes", "broadcast_to_rank", "broadcasted_iota",
    "cbrt", "ceil", "clamp", "clz", "collapse", "complex", "composite", "concatenate", "cond", "conj", "conv",
    "conv_dimension_numbers", "conv_general_dilated", "conv_general_dilated_local", "conv_general_dilated_patches",
    "conv_general_permutations", "conv_general_shape_tuple", "conv_shape_tuple", "conv_transpose",
    "conv_transpose_shape_tuple", "conv_with_general_padding", "convert_element_type", "cos", "cosh", "cumlogsumexp",
    "cummax", "cummin", "cumprod", "cumsum", "custom_linear_solve", "custom_root", "dce_sink", "div", "dot",
    "dot_general", "dtype", "dynamic_index_in_dim", "dynamic_slice", "dynamic_slice_in_dim",
    "dynamic_update_index_in_dim", "dynamic_update_slice", "dynamic_update_slice_in_dim", "empty", "eq", "exp",
    "exp2", "expand_dims", "expm1", "fft", "floor", "fori_loop", "full", "full_like", "gather", "ge", "gt", "imag",
    "index_in_dim", "index_take", "integer_pow", "iota", "is_finite", "le", "log", "log1p", "logistic", "lt", "map",
    "max", "min", "mul", "mulhi", "ne", "neg", "nextafter", "optimization_barrier", "pad", "padtype_to_pads",
    "pbroadcast", "pcast", "platform_dependent", "pmax", "pmean", "pmin", "population_count", "pow", "ppermute",
    "pshuffle", "psum", "psum_scatter", "pswapaxes", "ragged_dot", "real", "reciprocal", "reduce", "reduce_and",
    "reduce_max", "reduce_min", "reduce_or", "reduce_precision", "reduce_prod", "reduce_sum", "reduce_window",
    "reduce_window_shape_tuple", "reduce_xor", "rem", "reshape", "rev", "rng_bit_generator", "round", "rsqrt", "scan",
    "scatter", "scatter_add", "scatter_apply", "scatter_max", "scatter_min", "scatter_mul", "scatter_sub", "select",
    "select_n", "shape_as_value", "shift_left", "shift_right_arithmetic", "shift_right_logical", "sign", "sin",
    "sinh", "slice", "slice_in_dim", "sort", "sort_key_val", "split", "sqrt", "square", "squeeze", "stack", "stage",
    "stop_gradient", "sub", "switch", "tan", "tanh", "tile", "top_k", "transpose", "unstack", "while_loop",
    "with_sharding_constraint", *_SPECIAL,
]  # fmt: skip


def _special(name: str) -> Any:
    """A special function, from whichever module of the engine defines it."""
    ops = import_module("gradcli.engine.ops")
    for module in sorted(m.name for m in iter_modules(ops.__path__) if m.name.startswith("special")):
        found = getattr(import_module(f"gradcli.engine.ops.{module}"), name, None)
        if found is not None:
            return found
    return None


def __getattr__(name: str) -> Any:
    found: Any = None
    if name == "linalg":
        found = import_module("gradcli.lax.linalg")
    elif name in _LAZY:
        found = getattr(import_module(_LAZY[name]), name)
    elif name in _SPECIAL:
        found = _special(name)
    elif name.endswith("_p"):
        plain = name[:-2]
        if plain in _LAZY:
            import_module(_LAZY[plain])
        found = REGISTRY.get(_PRIMITIVES.get(plain, plain))
    if found is None:
        raise AttributeError(f"module 'gradcli.lax' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_SPECIAL, *_LAZY, "linalg"})
