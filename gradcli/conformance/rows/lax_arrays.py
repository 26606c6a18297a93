"""Rows of ``gradcli.lax``: shapes, slices, indices, reductions, order, products, convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.conformance.row import Draw, Row, home, rows_of

Case = rows_of("lax")
real = Draw(22)

A, B, V, T, S = real((2, 3)), real((2, 3)), real((3,)), real((2, 3, 2)), real((3, 3))
V6, M43, M43B = real((6,)), real((4, 3)), real((4, 3))
Z = A + 1j * B
INTS = np.array([[3, -1, 2], [0, 5, -4]])
BOOLS = np.array([[True, False, True], [False, True, True]])
STEPS = "piecewise constant: differences see steps"


def const(name: str, *args: Any, **options: Any) -> Row:
    """A row without arrays."""
    return Case(name, (), options, lambda f, **o: f(*args, **o), order=0, id="-".join(map(str, args)))


def with_args(name: str, x: Any, *args: Any, **rest: Any) -> Row:
    """A row of one array, and of arguments that are not arrays."""
    return Case(name, (x,), call=lambda f, x: f(x, *args), id="-".join(map(str, args)), **rest)


SHAPES = [
    *[with_args("reshape", A, shape) for shape in ((3, 2), (6,), (1, 6, 1))],
    with_args("reshape", M43, (12,), (1, 0)),
    *[with_args("transpose", T, order) for order in ((2, 0, 1), (1, 0, 2), (0, 2, 1))],
    *[with_args("rev", T, dims) for dims in ((0,), (1, 2), ())],
    *[with_args("squeeze", A[:, None, :, None], dims) for dims in ((1,), (-1, 1))],
    *[with_args("expand_dims", A, dims) for dims in ((0,), (-1,), (0, 2))],
    with_args("broadcast", V, (2, 1)),
    *[
        with_args("broadcast_in_dim", x, shape, dims)
        for x, shape, dims in (
            (V, (2, 3, 4), (1,)), (A[:, :1], (2, 3), (0, 1)), (V[0], (2, 2), ()), (A, (2, 0, 3), (0, 2)),
        )
    ],
    with_args("broadcast_to_rank", A, 3),
    Case("broadcast_like", (V, A)),
    *[with_args("collapse", T, *dims) for dims in ((0, 2), (1,), (-2,))],
    *[
        Case("pad", (x,), {"config": config}, lambda f, x, config: f(x, x.dtype.type(0.5), config))
        for x, config in (
            (A, ((1, 2, 0), (0, 1, 2))), (A, ((-1, 1, 0), (1, -2, 1))), (V, ((0, 0, 3),)), (V, ((-1, -2, 0),)),
        )
    ],
    Case("pad", (A, np.float64(0.3)), call=lambda f, x, y: f(x, y, ((1, 0, 1), (-1, 2, 0)))),
    Case("pad", (INTS,), call=lambda f, x: f(x, 7, ((1, 2, 0), (0, 1, 2))), order=0),
    *[
        Case("concatenate", (A, B, A[:, :1]), {"dimension": 1}, lambda f, *xs, dimension: f(xs, dimension)),
        Case("concatenate", (A, B), {"dimension": 0}, lambda f, *xs, dimension: f(xs, dimension)),
        Case("concatenate", (A, Z[:1]), {"dimension": 0}, lambda f, x, y, dimension: f([x * 1j, y], dimension)),
    ],
    Case("split", (M43,), call=lambda f, x: f(x, (1, 3))),
    Case("split", (M43,), call=lambda f, x: f(x, (2, 0, 1), axis=1)[2] * 2.0, id="one"),
    *[Case("stack", (A, B), {"axis": a}, lambda f, x, y, axis: f([x, y], axis=axis)) for a in (0, 1, -1)],
    *[Case("unstack", (A,), {"axis": a}) for a in (0, 1)],
    *[with_args("tile", A, reps) for reps in ((2, 3), (1, 2), (0, 1))],
    Case("stage", (A,)),
    Case("with_sharding_constraint", (A,), call=lambda f, x: f(x, None), jax=False),  # there about devices
    Case("optimization_barrier", (A, B), call=lambda f, x, y: f({"x": x, "y": y})["x"] * y),
]  # fmt: skip

CREATION = [
    *[const("iota", t, 4) for t in ("int32", "float32", "uint8")],
    *[const("broadcasted_iota", "int32", (2, 3), d) for d in (0, 1)],
    *[const("empty", (2,), t) for t in ("float32", "int32")],
    const("full", (2, 3), 2, "float64"),
    const("full", (), True),
    const("shape_as_value", (2, 3)),
    Case("full", (V[0],), call=lambda f, x: f((2, 3), x)),
    with_args("full_like", A, 3),
    Case("full_like", (A,), {"shape": (4,), "dtype": "int32"}, lambda f, x, **o: f(x, 5, **o), order=0, why="constant"),
]

SLICES = [
    *[
        with_args("slice", x, *args)
        for x, args in ((A, ((0, 1), (2, 3))), (M43, ((0, 1), (4, 3), (3, 1))), (V, ((1,), (1,))))
    ],
    *[
        with_args("slice_in_dim", M43, *args)
        for args in ((1, 3), (None, -1), (0, 4, 2), (0, 3, 2, 1), (-2, None, 1, -1))
    ],
    *[with_args("index_in_dim", M43, *args) for args in ((-1,), (1, 1), (2, 0, False), (-2, -1, False))],
    Case("index_take", (M43,), call=lambda f, x: f(x, (np.array([0, 2]), np.array([1, 1])), (0, 1))),
    Case("index_take", (M43,), call=lambda f, x: f(x, (np.array([2, 0, 2]),), (1,)), id="one axis"),
    *[Case("dynamic_slice", (M43,), {"at": at}, lambda f, x, at: f(x, at, (2, 2))) for at in ((1, 0), (9, -1))],
    Case("dynamic_slice", (M43, np.int32(1)), call=lambda f, x, i: f(x, (i, i), (2, 1))),
    *[Case("dynamic_slice_in_dim", (M43, np.int32(i)), call=lambda f, x, i: f(x, i, 2, axis=1)) for i in (0, -2, 7)],
    *[
        Case("dynamic_index_in_dim", (M43, np.int32(i)), {"keepdims": k},
             lambda f, x, i, keepdims: f(x, i, 0, keepdims))
        for i, k in ((2, True), (-1, False))
    ],
    *[
        Case("dynamic_update_slice", (M43, real((2, 2)), np.int32(i)), id=str(i),
             call=lambda f, x, u, i: f(x, u, (i, np.int32(0))))
        for i in (1, 5, -1)
    ],
    Case("dynamic_update_slice_in_dim", (M43, real((4, 1)), np.int32(2)), call=lambda f, x, u, i: f(x, u, i, 1)),
    Case("dynamic_update_index_in_dim", (M43, V, np.int32(-1)), call=lambda f, x, u, i: f(x, u, i, 0)),
]  # fmt: skip


def gathering(f: Any, x: Any, places: Any, mode: str, numbers: dict[str, Any], sizes: Any) -> Any:
    """``gather`` with dimension numbers of the same library."""
    return f(x, places, home(f, "lax").GatherDimensionNumbers(**numbers), sizes, mode=mode, fill_value=0.25)


def scattering(f: Any, x: Any, updates: Any, places: Any, mode: str, numbers: Any) -> Any:
    """A scatter with dimension numbers of the same library."""
    numbers = home(f, "lax").ScatterDimensionNumbers(**numbers)
    return f(x, places, updates, numbers, mode=mode, unique_indices=places is not PLACES)


def applying(f: Any, x: Any, places: Any) -> Any:
    """The sine of some elements."""
    lax = home(f, "lax")
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    return f(x, places, lax.sin, numbers, update_shape=(len(places),))


ROWS_OF = {"offset_dims": (1,), "collapsed_slice_dims": (0,), "start_index_map": (0,)}
CUTS = {"offset_dims": (1, 2), "collapsed_slice_dims": (), "start_index_map": (1, 0)}
BATCHED = {"offset_dims": (1,), "collapsed_slice_dims": (0,), "start_index_map": (0,), "operand_batching_dims": (1,),
           "start_indices_batching_dims": (0,)}  # fmt: skip
TO_ROWS = {"update_window_dims": (1,), "inserted_window_dims": (0,), "scatter_dims_to_operand_dims": (0,)}
TO_CUTS = {"update_window_dims": (1, 2), "inserted_window_dims": (), "scatter_dims_to_operand_dims": (0, 1)}
PLACES, FAR = np.array([[2], [0], [2]], np.int32), np.array([[2], [9], [-1]], np.int32)
ONCE, PAIRS = np.array([[2], [0], [3]], np.int32), np.array([[0, 1], [2, 0]], np.int32)
SCATTERS = ("scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max")
INDEXED = [
    *[
        Case("gather", (M43,), {"places": at, "mode": mode, "numbers": n, "sizes": s}, gathering, id=mode)
        for at, n, s in ((PLACES, ROWS_OF, (1, 3)), (FAR, ROWS_OF, (1, 2)), (PAIRS, CUTS, (2, 2)))
        for mode in ("clip", "fill", "promise_in_bounds")
        if mode != "promise_in_bounds" or at is PLACES
    ],
    Case("gather", (T.swapaxes(0, 1),), {"places": np.array([[1], [0]], np.int32), "mode": "clip", "numbers": BATCHED,
                                         "sizes": (1, 1, 2)}, gathering),
    Case("gather", (M43, PLACES), {"mode": "clip", "numbers": ROWS_OF, "sizes": (1, 3)}, gathering),
    *[
        Case(name, (M43, real(shape)), {"places": at, "mode": mode, "numbers": n}, scattering, id=mode)
        for name in SCATTERS
        for at, n, shape in ((ONCE, TO_ROWS, (3, 3)), (FAR, TO_ROWS, (3, 3)), (PAIRS, TO_CUTS, (2, 1, 2)))
        for mode in ("clip", "drop")
        if at is not FAR or mode == "drop"
    ],
    *[
        Case(name, (M43, real((3, 3))), {"places": PLACES, "mode": "clip", "numbers": TO_ROWS}, scattering, id="twice")
        for name in ("scatter_add", "scatter_sub", "scatter_min", "scatter_max")
    ],
    Case("scatter_mul", (M43, real((3, 3))), {"places": PLACES, "mode": "clip", "numbers": TO_ROWS}, scattering,
         id="twice", jax=False),  # there not differentiable in the updates unless they are told to be unique
    *[
        Case(name, (INTS.T, np.array([[1, 2]])), {"places": np.array([[1]]), "mode": "drop", "numbers": TO_ROWS},
             scattering, order=0, id="int")
        for name in SCATTERS
    ],
    Case("scatter_apply", (V6,), {"places": np.array([[1], [3]])}, applying, jax=False),  # there without a derivative
    Case("scatter_apply", (V6,), {"places": np.array([[1], [3]])}, applying, order=0, why="JAX has no derivative"),
]  # fmt: skip

REDUCTIONS = [
    *[with_args(f"reduce_{n}", T, axes) for n in ("sum", "prod", "max", "min") for axes in ((0,), (1, 2), ())],
    *[with_args(f"reduce_{n}", INTS, (1,), order=0) for n in ("sum", "prod", "max", "min", "and", "or", "xor")],
    *[with_args(f"reduce_{n}", BOOLS, (0,), order=0) for n in ("and", "or", "xor")],
    *[with_args(n, T, axis, "int32", order=0) for n in ("argmax", "argmin") for axis in (0, 2)],
    *[
        Case(n, (T,), {"axis": axis, "reverse": r})
        for n in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
        for axis, r in ((0, False), (1, True), (2, False))
    ],
    *[Case(n, (INTS,), {"axis": 1}, order=0) for n in ("cumsum", "cumprod", "cummax", "cummin")],
    *[Case(n, (np.zeros((2, 0)),), {"axis": 1}, id="empty") for n in ("cumsum", "cummax")],
]


def odd(x: Any, y: Any) -> Any:
    """An associative operation that is no primitive."""
    return x + y + x * y


def over(f: Any, x: Any, name: str, init: Any, args: Sequence[Any]) -> Any:
    """A reduction by an operation of the same library."""
    return f(x, init, odd if name == "odd" else getattr(home(f, "lax"), name), *args)


def argmax_by(f: Any, x: Any) -> Any:
    """The greatest values and their places, by one reduction of two operands."""
    select = home(f, "lax").select

    def greater(x: Any, y: Any) -> Any:
        keep = x[0] >= y[0]
        return select(keep, x[0], y[0]), select(keep, x[1], y[1])

    return f((x, np.broadcast_to(np.arange(x.shape[1]), x.shape)), (-np.inf, 0), greater, (1,))


COMPUTATIONS = (("add", 0.0), ("max", -np.inf), ("min", np.inf), ("mul", 1.0), ("odd", 0.0))
WINDOWS: tuple[tuple[tuple[int, ...], tuple[Any, ...]], ...] = (
    ((5,), ((2,), (1,), "VALID")),
    ((3, 4), ((2, 3), (2, 1), "SAME")),
    ((3, 4), ((2, 2), (1, 2), ((1, 0), (2, 3)), (2, 1), (1, 2))),
    ((3, 2), ((2, 2), (1, 1), "SAME_LOWER", (1, 2))),
)


def spread(shape: tuple[int, ...]) -> Any:
    """Numbers that are well apart, in an order of chance."""
    n = int(np.prod(shape))
    return np.linspace(0.5, 1.5, n)[real.rng.permutation(n)].reshape(shape)


FOLDS = [
    *[
        Case("reduce", (spread((2, 3)),), {"name": n, "init": i, "args": [axes]}, over)
        for n, i in COMPUTATIONS
        for axes in ((1,), (0, 1))
    ],
    *[
        Case("reduce", (INTS,), {"name": n, "init": i, "args": [(1,)]}, over, order=0)
        for n, i in (("bitwise_and", -1), ("bitwise_or", 0), ("bitwise_xor", 0), ("max", -99), ("mul", 1))
    ],
    Case("reduce", (M43,), call=argmax_by, id="two operands", complex=False, jax=False),  # there the derivative fails
    Case("reduce", (M43,), call=argmax_by, id="two operands", order=0, why="JAX has no derivative"),
    *[
        Case("reduce_window", (spread(shape),), {"name": n, "init": i, "args": args}, over, id=f"{n}{k}",
             jax=n in ("add", "max", "min"))  # others are not differentiable in reverse there
        for n, i in COMPUTATIONS
        for k, (shape, args) in enumerate(WINDOWS)
        if n not in ("max", "min") or len(args) == 3  # windows that see holes alone are infinite
    ],
    *[
        Case("reduce_window", (spread(shape),), {"name": n, "init": i, "args": args}, over, id=f"value {n}{k}",
             order=0, why="JAX has no derivative, or windows that see holes alone are infinite")
        for n, i in COMPUTATIONS
        for k, (shape, args) in enumerate(WINDOWS)
        if n in ("mul", "odd") or len(args) > 3
    ],
    Case("reduce_window", (INTS,), {"name": "add", "init": 0, "args": ((1, 2), (1, 1), "VALID")}, over, order=0),
]  # fmt: skip

ORDER = [
    *[Case("sort", (T,), {"dimension": d}) for d in (0, 1, -1)],
    Case("sort", (Z,), id="complex"),
    Case("sort", (M43, M43B), {"num_keys": 1}, call=lambda f, x, y, num_keys: f((x, y), num_keys=num_keys)),
    Case("sort", (INTS % 2, M43[:2]), call=lambda f, i, x: f((i, x), dimension=1, num_keys=2)[1]),
    Case("sort", (np.array([1.0, np.nan, -0.0, 0.0, -np.inf, -np.nan]),), order=0, why="at NaN"),
    *[Case("sort_key_val", (M43, M43B), {"dimension": d}) for d in (0, 1)],
    *[Case("top_k", (M43,), {"k": k}, lambda f, x, k: f(x, k)) for k in (1, 2)],
    Case("top_k", (INTS,), {"k": 2}, order=0),
    *[Case(n, (M43,), {"k": 2, "reduction_dimension": d}) for n in ("approx_max_k", "approx_min_k")
      for d in (0, -1)],
]  # fmt: skip


def ragged(f: Any, x: Any, y: Any, sizes: Any, dot: Any, at: int, groups: list[int]) -> Any:
    """``ragged_dot_general`` with dimension numbers of the same library."""
    return f(x, y, sizes, home(f, "lax").RaggedDotDimensionNumbers(dot, [at], groups))


RAGGED: tuple[tuple[Any, Any, Any, Any, int, list[int]], ...] = (
    ((4, 3), (2, 3, 2), [1, 2], (((1,), (1,)), ((), ())), 0, [0]),
    ((2, 4, 3), (2, 3, 2, 2), [[1, 2], [3, 1]], (((2,), (1,)), ((0,), (2,))), 1, [0]),
    ((2, 4, 3), (2, 3, 2), [[1, 2], [3, 1]], (((2,), (1,)), ((), ())), 1, [0]),
    ((3, 4), (4, 2), [1, 0, 2], (((1,), (0,)), ((), ())), 1, []),
    ((2, 3, 4), (4, 2, 2), [[1, 3], [2, 1]], (((2,), (0,)), ((0,), (1,))), 2, []),
    ((4, 2, 3), (4, 3, 2), [1, 2], (((2,), (1,)), ((0,), (0,))), 0, []),
)
DIMENSIONS = (
    ((2, 3), (3, 4), (((1,), (0,)), ((), ()))),
    ((2, 3, 2), (3, 2, 4), (((1, 2), (0, 1)), ((), ()))),
    ((2, 3, 4), (4, 2, 5), (((2,), (0,)), ((0,), (1,)))),
    ((3, 2, 2), (2, 2, 3), (((), ()), ((0, 1), (2, 0)))),
    ((2,), (3,), (((), ()), ((), ()))),
    ((2, 0), (0, 3), (((1,), (0,)), ((), ()))),
)
PRODUCTS = [
    *[Case("dot_general", (real(x), real(y)), {"dimension_numbers": d}) for x, y, d in DIMENSIONS],
    Case("dot_general", (INTS, INTS.T), {"dimension_numbers": (((1,), (0,)), ((), ()))}, order=0),
    Case("dot_general", (Z, Z), {"dimension_numbers": (((1,), (1,)), ((0,), (0,)))}, id="complex"),
    Case("dot_general", (A.astype("f4"), B.T.astype("f4")), {"dimension_numbers": (((1,), (0,)), ((), ())),
         "preferred_element_type": "float64"}, order=0, why="computed in float32"),
    *[Case("dot", (real(x), real(y))) for x, y in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)))],
    Case("dot", (M43, M43B), {"dimension_numbers": (((0,), (0,)), ((), ()))}),
    Case("batch_matmul", (real((2, 4, 3)), real((2, 3, 2)))),
    Case("ragged_dot", (M43, real((2, 3, 2))), call=lambda f, x, y: f(x, y, np.array([1, 2]))),
    Case("ragged_dot", (M43, real((3, 3, 2)), np.array([2, 0, 2], np.int32))),
    *[
        Case("ragged_dot_general", (real(x), real(y), np.array(sizes)), {"dot": d, "at": at, "groups": g}, ragged)
        for x, y, sizes, d, at, g in RAGGED
    ],
    *[
        Case("fft", (x,), {"fft_type": kind, "fft_lengths": n},
             lambda f, x, fft_type, fft_lengths: f(x, fft_type, fft_lengths), complex=False if kind == "RFFT" else None)
        for x, kind, n in (
            (Z, "FFT", (3,)), (Z, "IFFT", (2, 3)), (A, "RFFT", (3,)), (T, "RFFT", (3, 2)), (Z, "IRFFT", (4,)),
            (Z, "IRFFT", (2, 5)),
        )
    ],
]  # fmt: skip

CONVOLVED: tuple[tuple[Any, Any, dict[str, Any]], ...] = (
    ((2, 3, 5), (4, 3, 2), {"window_strides": (1,), "padding": "SAME"}),
    ((1, 2, 4, 5), (3, 2, 2, 3), {"window_strides": (2, 1), "padding": "VALID"}),
    ((1, 2, 4, 5), (2, 2, 2, 2), {"window_strides": (2, 3), "padding": ((1, 2), (-1, 3)), "lhs_dilation": (2, 1),
                                  "rhs_dilation": (1, 2)}),
    ((2, 4, 5), (6, 2, 2), {"window_strides": (2,), "padding": "SAME", "feature_group_count": 2}),
    ((4, 2, 4), (6, 2, 2), {"window_strides": (1,), "padding": ((0, 2),), "batch_group_count": 2,
                            "rhs_dilation": (2,)}),
    ((1, 4, 3, 2), (2, 2, 2, 3), {"window_strides": (1, 2), "padding": "SAME_LOWER",
                                  "dimension_numbers": ("NHWC", "HWIO", "NHWC")}),
    ((1, 4, 3, 3), (2, 2, 2, 4), {"window_strides": (1, 1), "padding": "SAME", "feature_group_count": 2,
                                  "dimension_numbers": ("NCHW", "HWIO", "NHWC")}),
    ((2, 3, 1), (4, 3, 3), {"window_strides": (1,), "padding": "VALID"}),
    ((2, 3), (4, 3), {"window_strides": (), "padding": "VALID"}),
)  # fmt: skip
WITH_KERNEL: tuple[tuple[str, Any, Any, tuple[Any, ...]], ...] = (
    ("conv", (1, 2, 4), (3, 2, 2), ((1,), "SAME")),
    ("conv_with_general_padding", (1, 2, 4), (3, 2, 2), ((1,), ((1, 0),), (2,), (1,))),
    ("conv_transpose", (1, 3, 4, 2), (2, 3, 2, 3), ((2, 3), "SAME")),
    ("conv_transpose", (1, 3, 4, 2), (2, 3, 2, 3), ((2, 3), "VALID")),
    ("conv_transpose", (1, 3, 2), (2, 4, 2), ((4,), "SAME", None, None, True)),
    ("conv_transpose", (1, 3, 2), (2, 4, 2), ((1,), ((1, 0),), None, None, True, None, None, True)),
    ("conv_general_dilated_local", (2, 3, 5), (4, 6, 4), ((1,), "VALID", (2,))),
    ("conv_general_dilated_local", (1, 4, 5, 2), (3, 2, 12, 3), ((1, 2), "VALID", (2, 3), None, None,
                                                                ("NHWC", "HWIO", "NHWC"))),
)  # fmt: skip
CONVOLUTIONS = [
    *[Case("conv_general_dilated", (real(x), real(k)), o, id=str(i)) for i, (x, k, o) in enumerate(CONVOLVED)],
    *[
        Case(n, (real(x), real(k)), {"args": args}, lambda f, x, k, args: f(x, k, *args), id=n)
        for n, x, k, args in WITH_KERNEL
    ],
    with_args("conv_general_dilated_patches", real((2, 3, 4, 3)), (2, 3), (1, 2), "SAME"),
    with_args("conv_general_dilated_patches", real((1, 3, 4, 2)), (2, 3), (1, 2), "VALID", None, (2, 1),
              ("NHWC", "HWIO", "NHWC")),
    *[
        Case("conv_general_dilated", (np.ones((1, 2, 4), t), np.full((1, 2, 3), 2, t)), {"window_strides": (1,),
             "padding": "VALID"}, order=0, why="of another dtype", id=t)
        for t in ("float32", "complex64", "int32")
    ],
]  # fmt: skip

BITS = [
    Case("rng_bit_generator", (np.array([1, 2, 3, 4], np.uint32),), {"shape": shape, "dtype": t},
         lambda f, key, shape, dtype: f(key, shape, dtype, home(f, "lax").RandomAlgorithm.RNG_THREE_FRY), order=0)
    for shape, t in (((5,), "uint32"), ((2, 3), "uint8"), ((3,), "uint16"), ((), "uint64"), ((2, 3), "uint64"),
                     ((3, 4, 2), "uint32"), ((3, 3), "uint32"), ((5, 3), "uint16"), ((0, 3), "uint8"), ((), "uint8"))
]  # fmt: skip

ROWS = [
    *BITS, *SHAPES, *CREATION, *SLICES, *INDEXED, *REDUCTIONS, *FOLDS, *ORDER, *PRODUCTS, *CONVOLUTIONS,
]  # fmt: skip
