"""The functions of ``jax.numpy`` on gradcli's engine: same names, arguments, dtypes and derivatives.

Arguments are numbers, NumPy arrays and values of gradcli, traced or not; results are values of gradcli.
Each name is loaded with its module when it is first used; ``__init__.pyi`` tells type checkers the same.

>>> import gradcli.numpy as jnp
>>> print(jnp.sum(jnp.arange(4.0) ** 2))
14.0
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gradcli.engine.ops import operators as _operators  # noqa: F401 - values have their operators from the start

_MODULES = {
    "gradcli.engine.ops.operators": """
        absolute bitwise_not divmod equal floor_divide greater greater_equal left_shift less less_equal matmul
        not_equal positive power remainder right_shift round true_divide
    """,
    "gradcli.engine.ops.take": "put_along_axis take take_along_axis",
    "gradcli.numpy._choosing": """
        choose compress delete extract fill_diagonal insert piecewise place put resize trim_zeros
    """,
    "gradcli.numpy._creation": """
        arange array asarray empty empty_like eye fromfunction full full_like geomspace identity indices
        linspace logspace meshgrid ones ones_like tri zeros zeros_like
    """,
    "gradcli.numpy._differences": """
        apply_along_axis apply_over_axes cumulative_prod cumulative_sum ediff1d gradient nanargmax nanargmin
        nancumprod nancumsum unwrap
    """,
    "gradcli.numpy._dtypes": """
        ComplexWarning bfloat16 bool_ can_cast cdouble character complex128 complex64 complex_ complexfloating csingle
        double dtype e euler_gamma finfo flexible float16 float32 float64 float_ floating generic iinfo inexact
        inf int16 int32 int64 int8 int_ integer iscomplexobj isdtype isrealobj isscalar issubdtype nan ndarray
        newaxis number object_ pi promote_types result_type signedinteger single uint uint16 uint32 uint64 uint8
        unsignedinteger
    """,
    "gradcli.numpy._einsum": "einsum einsum_path",
    "gradcli.numpy._files": """
        array_repr array_str from_dlpack frombuffer fromfile fromiter fromstring get_printoptions iterable load
        printoptions save savez set_printoptions
    """,
    "gradcli.numpy._histograms": "bincount histogram histogram2d histogram_bin_edges histogramdd",
    "gradcli.numpy._index_tricks": """
        block broadcast_shapes c_ diag_indices diag_indices_from index_exp ix_ mask_indices mgrid ogrid r_
        ravel_multi_index s_ tril_indices tril_indices_from triu_indices triu_indices_from unravel_index
    """,
    "gradcli.numpy._linear": """
        convolve corrcoef correlate cov cross diag diagflat diagonal dot inner kron matvec outer tensordot trace
        trapezoid tril triu vander vdot vecdot vecmat
    """,
    "gradcli.numpy._numbers": """
        astype bitwise_count frexp gcd iscomplex isreal lcm ldexp nextafter packbits sort_complex spacing
        unpackbits
    """,
    "gradcli.numpy._padding": "pad",
    "gradcli.numpy._polynomials": "poly polyadd polyder polydiv polyfit polyint polymul polysub polyval roots",
    "gradcli.numpy._reductions": """
        all allclose amax amin any argmax argmin array_equal array_equiv average count_nonzero cumprod cumsum
        diff max mean min nanmax nanmean nanmin nanprod nanstd nansum nanvar prod ptp std sum var
    """,
    "gradcli.numpy._sets": """
        intersect1d isin setdiff1d setxor1d union1d unique unique_all unique_counts unique_inverse unique_values
    """,
    "gradcli.numpy._shapes": """
        atleast_1d atleast_2d atleast_3d broadcast_arrays broadcast_to copy expand_dims flip fliplr flipud
        matrix_transpose moveaxis ndim permute_dims ravel reshape roll rollaxis rot90 shape size squeeze
        swapaxes transpose
    """,
    "gradcli.numpy._sorting": "argpartition argsort digitize interp lexsort partition searchsorted sort",
    "gradcli.numpy._stacking": """
        append array_split column_stack concat concatenate dsplit dstack hsplit hstack repeat split stack
        tile unstack vsplit vstack
    """,
    "gradcli.numpy._statistics": "median nanmedian nanpercentile nanquantile percentile quantile",
    "gradcli.numpy._ufunc_objects": """
        add bitwise_and bitwise_or bitwise_xor frompyfunc logaddexp logaddexp2 logical_and logical_or
        logical_xor maximum minimum multiply negative subtract ufunc
    """,
    "gradcli.numpy._ufuncs": """
        angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt ceil clip conj conjugate copysign cos
        cosh deg2rad exp exp2 expm1 fabs fix float_power floor fmax fmin fmod heaviside hypot imag isclose
        isfinite isinf isnan isneginf isposinf log log10 log1p log2 logical_not modf nan_to_num rad2deg real
        reciprocal rint sign signbit sin sinc sinh sqrt square tan tanh trunc
    """,
    "gradcli.numpy._vectorize": "vectorize",
    "gradcli.numpy._where": "argwhere flatnonzero nonzero select where",
    "gradcli.numpy._windows": "bartlett blackman hamming hanning i0 kaiser",
}
_ALIASES = {
    "abs": "absolute", "acos": "arccos", "acosh": "arccosh", "around": "round", "asin": "arcsin", "asinh": "arcsinh",
    "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh", "bitwise_invert": "bitwise_not",
    "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift", "bool": "bool_", "degrees": "rad2deg",
    "divide": "true_divide", "invert": "bitwise_not", "mod": "remainder", "pow": "power", "radians": "deg2rad",
}  # fmt: skip
_SUBMODULES = ("fft", "linalg")
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted([*_HOMES, *_ALIASES, *_SUBMODULES])


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"gradcli.numpy.{name}")
    plain = _ALIASES.get(name, name)
    if plain not in _HOMES:
        raise AttributeError(f"module 'gradcli.numpy' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[plain]), plain)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
