"""Convolutions by the names of ``jax.lax``: dimension specs, kinds of padding, and functions made of the primitive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import numbers as as_numbers
from gradcli.engine.array import type_of
from gradcli.engine.ops.conv import (
    ConvDimensionNumbers,
    conv_general_dilated_bind,
    dilated,
    element_type,
    permuted,
    window_count,
)
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.shape import inverse_permutation, moveaxis, rev, transpose
from gradcli.numpy._base import type_error, value_error

Specs = tuple[str, str, str]


def conv_dimension_numbers(lhs_shape: Sequence[int], rhs_shape: Sequence[int], dimension_numbers: Any) -> Any:
    """The specs as numbers: from None (batch, feature, spatial), three strings such as ``("NHWC", "HWIO", "NHWC")``,
    or numbers already. Raises TypeError for strings that do not fit the ranks.
    """
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    n = len(lhs_shape)
    if len(rhs_shape) != n:
        raise type_error(f"convolution operands need equal ranks, got shapes {tuple(lhs_shape)} and {tuple(rhs_shape)}")
    if dimension_numbers is None:
        same = tuple(range(n))
        return ConvDimensionNumbers(same, same, same)
    if not isinstance(dimension_numbers, (tuple, list)) or len(dimension_numbers) != 3:
        raise type_error("dimension_numbers must be None, ConvDimensionNumbers or three specs")
    if not isinstance(dimension_numbers[0], str):
        return ConvDimensionNumbers(*(tuple(int(i) for i in spec) for spec in dimension_numbers))
    specs: Specs = tuple(dimension_numbers)
    if any(len(spec) != n for spec in specs):
        raise type_error(f"convolution specs {specs} do not fit operands of {n} dimensions")
    return ConvDimensionNumbers(*conv_general_permutations(specs))


def conv_general_permutations(dimension_numbers: Specs) -> tuple[tuple[int, ...], ...]:
    """Three specs in letters as permutations: the two named dimensions first, then the spatial ones in one order."""
    lhs, rhs, out = dimension_numbers
    for spec, named in ((lhs, "NC"), (rhs, "OI"), (out, "NC")):
        if any(spec.count(c) != 1 for c in named) or len(set(spec)) != len(spec):
            raise type_error(f"a convolution spec holds {named[0]} and {named[1]}, and every letter once, not {spec}")
    order = [c for c in rhs if c not in "OI"]
    if any(set(spec) - set("NC") != set(order) for spec in (lhs, out)):
        raise type_error(f"the spatial letters of the specs {dimension_numbers} differ")
    return tuple(
        (*(spec.index(c) for c in named), *(spec.index(c) for c in order))
        for spec, named in ((lhs, "NC"), (rhs, "OI"), (out, "NC"))
    )


def padtype_to_pads(
    in_shape: Sequence[int], window_shape: Sequence[int], window_strides: Sequence[int], padding: str
) -> list[tuple[int, int]]:
    """(low, high) pads for ``VALID``, ``SAME`` (odd one at the end) or ``SAME_LOWER`` (at the start)."""
    kind = str(padding).upper().removeprefix("PADTYPE.")
    if kind == "VALID":
        return [(0, 0)] * len(in_shape)
    if kind not in ("SAME", "SAME_LOWER"):
        raise value_error(f"unknown padding {padding!r}", "VALID, SAME, SAME_LOWER, or pairs of numbers")
    pads = []
    for n, w, s in zip(in_shape, window_shape, window_strides, strict=True):
        total = max(0, (-(-n // s) - 1) * s + w - n)
        less, more = total // 2, total - total // 2
        pads.append((less, more) if kind == "SAME" else (more, less))
    return pads


def _pairs(padding: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in padding)


def conv_general_dilated(
    lhs: Any, rhs: Any, window_strides: Sequence[int], padding: Any, lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None, dimension_numbers: Any = None, feature_group_count: int = 1,
    batch_group_count: int = 1, precision: Any = None, preferred_element_type: Any = None, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """The general convolution (without a flip of the kernel), with strides, dilations, padding and groups.

    lhs: batch, features and n spatial dimensions, rhs: output features, input features (of a group), n window
    dimensions, each where ``dimension_numbers`` says. ``padding``: a kind, or (low, high) a dimension, also negative.
    Raises TypeError where shapes do not fit. ``precision`` and ``out_sharding`` have no effect.

    >>> print(conv_general_dilated(np.ones((1, 1, 4)), np.ones((1, 1, 2)), (1,), "VALID"))
    [[[2. 2. 2.]]]
    """
    lhs_type, rhs_type = type_of(lhs), type_of(rhs)
    numbers = conv_dimension_numbers(lhs_type.shape, rhs_type.shape, dimension_numbers)
    n = max(lhs_type.ndim - 2, 0)
    base = tuple(lhs_dilation) if lhs_dilation is not None else (1,) * n
    inner = tuple(rhs_dilation) if rhs_dilation is not None else (1,) * n
    if any(len(p) != n for p in (window_strides, base, inner)):
        raise type_error(f"a convolution of {lhs_type} needs strides and dilations for {n} dimensions")
    if isinstance(padding, str):
        sizes = permuted(rhs_type.shape, numbers.rhs_spec)[2:]
        widths = [dilated(k, d) for k, d in zip(sizes, inner, strict=True)]
        lengths = permuted(lhs_type.shape, numbers.lhs_spec)[2:]
        padding = padtype_to_pads(lengths, widths, window_strides, padding)
    return conv_general_dilated_bind(
        lhs, rhs, dimension_numbers=numbers, window_strides=tuple(int(s) for s in window_strides),
        padding=_pairs(padding), lhs_dilation=base, rhs_dilation=inner, feature_group_count=int(feature_group_count),
        batch_group_count=int(batch_group_count), preferred_element_type=element_type(preferred_element_type),
    )  # fmt: skip


def conv(
    lhs: Any, rhs: Any, window_strides: Sequence[int], padding: str, precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:  # fmt: skip
    """A convolution of ``N C spatial`` with ``O I spatial``, padded as ``padding`` names it."""
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, precision=precision, preferred_element_type=preferred_element_type
    )


def conv_with_general_padding(
    lhs: Any, rhs: Any, window_strides: Sequence[int], padding: Any, lhs_dilation: Sequence[int] | None,
    rhs_dilation: Sequence[int] | None, precision: Any = None, preferred_element_type: Any = None,
) -> Any:  # fmt: skip
    """A convolution of ``N C spatial`` with ``O I spatial``, with pads in numbers and dilations."""
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
        precision=precision, preferred_element_type=preferred_element_type,
    )  # fmt: skip


def _transposed_padding(width: int, stride: int, padding: str) -> tuple[int, int]:
    """The padding with which a convolution over holes undoes the shape of a strided convolution."""
    if padding == "SAME":
        total = width + stride - 2
        low = width - 1 if stride > width - 1 else -(-total // 2)
    elif padding == "VALID":
        total, low = width + stride - 2 + max(width - stride, 0), width - 1
    else:
        raise value_error(f"unknown padding {padding!r} of conv_transpose", "VALID, SAME, or pairs of numbers")
    return low, total - low


def conv_transpose(
    lhs: Any, rhs: Any, strides: Sequence[int], padding: Any, rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None, transpose_kernel: bool = False, precision: Any = None,
    preferred_element_type: Any = None, use_consistent_padding: bool = False,
) -> Any:  # fmt: skip
    """The convolution with ``strides`` as holes of the operand, which makes it larger by that factor.

    ``transpose_kernel``: the kernel reversed and its features swapped, as in the gradient of a forward convolution.
    Without ``dimension_numbers`` the channels come last (``NHWC``, ``HWIO``), unlike in the other functions.
    """
    t = type_of(lhs)
    n = t.ndim - 2
    if dimension_numbers is None and n:
        letters = "".join("HWD"[i] for i in range(n)) if n < 4 else "".join(chr(97 + i) for i in range(n))
        dimension_numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    numbers = conv_dimension_numbers(t.shape, type_of(rhs).shape, dimension_numbers)
    inner = tuple(rhs_dilation) if rhs_dilation is not None else (1,) * n
    sizes = permuted(type_of(rhs).shape, numbers.rhs_spec)[2:]
    widths = [dilated(k, d) for k, d in zip(sizes, inner, strict=True)]
    if isinstance(padding, str):
        padding = [_transposed_padding(w, s, padding) for w, s in zip(widths, strides, strict=True)]
    elif use_consistent_padding:  # the padding of the forward convolution that this one undoes
        padding = [(w - low - 1, w - high - 1) for w, (low, high) in zip(widths, padding, strict=True)]
    if transpose_kernel:
        o, i, *spatial = numbers.rhs_spec
        rhs = rev(rhs, tuple(spatial))
        order = list(range(t.ndim))
        order[o], order[i] = i, o
        rhs = transpose(rhs, order)
    return conv_general_dilated(
        lhs, rhs, (1,) * n, padding, tuple(strides), inner, numbers,
        precision=precision, preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_general_dilated_patches(
    lhs: Any, filter_shape: Sequence[int], window_strides: Sequence[int], padding: Any,
    lhs_dilation: Sequence[int] | None = None, rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None, precision: Any = None, preferred_element_type: Any = None,
) -> Any:  # fmt: skip
    """The windows that a convolution reads, as its output features: (feature, window position) in this order."""
    t = type_of(lhs)
    sizes = tuple(int(k) for k in filter_shape)
    if dimension_numbers is None:
        numbers = conv_dimension_numbers(t.shape, (1, 1, *sizes), None)
    else:
        numbers = conv_dimension_numbers(t.shape, (1,) * t.ndim, dimension_numbers)
    features = t.shape[numbers.lhs_spec[1]]
    elements = math.prod(sizes)
    picks = np.eye(elements).reshape(elements, 1, *sizes)
    kernel = np.tile(picks, (features, *(1,) * (t.ndim - 1)))
    kernel = as_numbers(np.transpose(kernel, inverse_permutation(numbers.rhs_spec)), t.dtype)
    return conv_general_dilated(
        lhs, kernel, window_strides, padding, lhs_dilation, rhs_dilation, numbers, feature_group_count=features,
        precision=precision, preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_general_dilated_local(
    lhs: Any, rhs: Any, window_strides: Sequence[int], padding: Any, filter_shape: Sequence[int],
    lhs_dilation: Sequence[int] | None = None, rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None, precision: Any = None,
) -> Any:  # fmt: skip
    """A convolution with a kernel of its own at every place: rhs holds (output feature, window, output spatial)."""
    t = type_of(lhs)
    numbers = conv_dimension_numbers(t.shape, type_of(rhs).shape, dimension_numbers)
    patches = conv_general_dilated_patches(
        lhs, filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, numbers, precision
    )
    _, out_c, *out_spatial = numbers.out_spec
    _, rhs_i, *rhs_spatial = numbers.rhs_spec
    contract, batch = ((out_c,), (rhs_i,)), (tuple(out_spatial), tuple(rhs_spatial))
    out = dot_general(patches, rhs, (contract, batch))  # (*spatial, batch, output feature)
    n = t.ndim - 2
    out = moveaxis(moveaxis(out, n, 0), n + 1, 1)
    return transpose(out, inverse_permutation(numbers.out_spec))


# --- shapes -----------------------------------------------------------------------------------------------------------


def conv_shape_tuple(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], strides: Sequence[int], pads: Any, batch_group_count: int = 1
) -> tuple[int, ...]:
    """The shape of a convolution of ``N C spatial`` with ``O I spatial``."""
    if isinstance(pads, str):
        pads = padtype_to_pads(lhs_shape[2:], rhs_shape[2:], strides, pads)
    counts = [
        window_count(n, k, s, p, 1, 1) for n, k, s, p in zip(lhs_shape[2:], rhs_shape[2:], strides, pads, strict=True)
    ]
    return (lhs_shape[0] // batch_group_count, rhs_shape[0], *counts)


def conv_general_shape_tuple(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], window_strides: Sequence[int], padding: Any,
    dimension_numbers: Specs,
) -> tuple[int, ...]:  # fmt: skip
    """The shape of a convolution with specs in letters."""
    lhs, rhs, out = conv_general_permutations(dimension_numbers)
    shape = conv_shape_tuple(permuted(lhs_shape, lhs), permuted(rhs_shape, rhs), window_strides, padding)
    return permuted(shape, inverse_permutation(out))


def conv_transpose_shape_tuple(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], window_strides: Sequence[int], padding: Any,
    dimension_numbers: Specs,
) -> tuple[int, ...]:  # fmt: skip
    """The shape of a transposed convolution with specs in letters."""
    lhs, rhs, out = conv_general_permutations(dimension_numbers)
    x, k = permuted(lhs_shape, lhs), permuted(rhs_shape, rhs)
    if isinstance(padding, str):
        padding = [_transposed_padding(w, s, padding) for w, s in zip(k[2:], window_strides, strict=True)]
    counts = [
        window_count(n, w, 1, p, s, 1) for n, w, s, p in zip(x[2:], k[2:], window_strides, padding, strict=True)
    ]
    return permuted((x[0], k[0], *counts), inverse_permutation(out))
