"""conv_general_dilated: windows of one array contracted with another one, the kernel (no flip: a cross-correlation).

It is bilinear, and both of its transposes are convolutions again: that for the operand slides the reversed kernel over
the cotangents, that for the kernel slides the cotangents over the operand (V. Dumoulin and F. Visin, *A guide to
convolution arithmetic for deep learning*, arXiv:1603.07285). Evaluation copies the windows, by offset or by place,
and takes one matrix product.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import ArrayType, Shape, array_type, canonical_dtype
from gradcli.engine.ops.cuts import pad_p
from gradcli.engine.ops.define import Primitive, is_linear, operand_jvp
from gradcli.engine.ops.elementwise import add_any, convert_element_type
from gradcli.engine.ops.shape import bad_shape, moveaxis, reshape, rev
from gradcli.engine.trace.tracer import bind

Pairs = tuple[tuple[int, int], ...]
WINDOW_BYTES = 1 << 26  # windows are copied for the matrix product in parts of about this size


class ConvDimensionNumbers(NamedTuple):
    """Where the dimensions are: ``lhs_spec`` (batch, feature, spatial…), ``rhs_spec`` (out feature, in feature,
    spatial…), ``out_spec`` (batch, feature, spatial…)."""

    lhs_spec: tuple[int, ...]
    rhs_spec: tuple[int, ...]
    out_spec: tuple[int, ...]


def dilated(n: int, dilation: int) -> int:
    """The length of n elements with ``dilation - 1`` holes between neighbours."""
    return 1 + dilation * (n - 1) if n else 0


def window_count(n: int, window: int, stride: int, pads: tuple[int, int], base: int, inner: int) -> int:
    """How many windows fit on a padded and dilated dimension."""
    length = dilated(n, base) + pads[0] + pads[1]
    width = dilated(window, inner)
    return 0 if length < width else (length - width) // stride + 1


def permuted(values: Sequence[int], spec: Sequence[int]) -> tuple[int, ...]:
    """The values in the order of a spec."""
    return tuple(values[i] for i in spec)


def conv_general_dilated_bind(lhs: Any, rhs: Any, **params: Any) -> Any:
    """The primitive; all parameters given, as :func:`gradcli.lax.conv_general_dilated` writes them."""
    return bind(conv_general_dilated_p, lhs, rhs, **params)


@functools.lru_cache(maxsize=1024)
def _type_rule(
    lhs: ArrayType,
    rhs: ArrayType,
    dimension_numbers: ConvDimensionNumbers,
    window_strides: Shape,
    padding: Pairs,
    lhs_dilation: Shape,
    rhs_dilation: Shape,
    feature_group_count: int,
    batch_group_count: int,
    preferred_element_type: np.dtype[Any] | None,
) -> ArrayType:
    what = f"conv_general_dilated of {lhs} and {rhs}"
    n = lhs.ndim - 2
    lengths = {len(p) for p in (window_strides, padding, lhs_dilation, rhs_dilation)}
    if n < 0 or rhs.ndim != lhs.ndim or lengths != {n}:
        raise bad_shape(f"{what}: the operands need equal ranks of at least 2, and one entry a spatial dimension")
    if lhs.dtype != rhs.dtype:
        raise bad_shape(f"{what}: the dtypes differ", "convert one of them with .astype")
    if any(s < 1 for s in (*window_strides, *lhs_dilation, *rhs_dilation)):
        raise bad_shape(f"{what}: strides and dilations must be positive")
    lhs_shape, rhs_shape = (permuted(t.shape, s) for t, s in zip((lhs, rhs), dimension_numbers[:2], strict=True))
    _check_groups(what, lhs_shape, rhs_shape, feature_group_count, batch_group_count)
    shape = [0] * lhs.ndim
    batch, feature, *spatial = dimension_numbers.out_spec
    shape[batch], shape[feature] = lhs_shape[0] // batch_group_count, rhs_shape[0]
    for i, axis in enumerate(spatial):
        shape[axis] = window_count(
            lhs_shape[i + 2], rhs_shape[i + 2], window_strides[i], padding[i], lhs_dilation[i], rhs_dilation[i]
        )
    return array_type(tuple(shape), preferred_element_type or lhs.dtype, lhs.weak_type and rhs.weak_type)


def _check_groups(what: str, lhs: Shape, rhs: Shape, features: int, batches: int) -> None:
    if features < 1 or batches < 1 or (features > 1 and batches > 1):
        raise bad_shape(f"{what}: of feature_group_count and batch_group_count one must be 1, the other positive")
    if lhs[1] != features * rhs[1]:
        raise bad_shape(
            f"{what}: the operand has {lhs[1]} features, the kernel takes {rhs[1]}"
            + (f" in each of {features} groups" if features > 1 else "")
        )
    if rhs[0] % features or rhs[0] % batches or lhs[0] % batches:
        raise bad_shape(f"{what}: the groups do not divide {rhs[0]} output features and a batch of {lhs[0]}")


# --- evaluation -------------------------------------------------------------------------------------------------------


def _impl(
    lhs: Any,
    rhs: Any,
    dimension_numbers: ConvDimensionNumbers,
    window_strides: Shape,
    padding: Pairs,
    lhs_dilation: Shape,
    rhs_dilation: Shape,
    feature_group_count: int,
    batch_group_count: int,
    preferred_element_type: np.dtype[Any] | None,
) -> Any:
    out_dtype = preferred_element_type or lhs.dtype
    work = np.dtype(np.float32) if lhs.dtype == np.float16 else lhs.dtype
    if preferred_element_type is not None and work.kind == out_dtype.kind:
        work = np.result_type(work, out_dtype)
    x = np.transpose(lhs, dimension_numbers.lhs_spec).astype(work, copy=False)
    k = np.transpose(rhs, dimension_numbers.rhs_spec).astype(work, copy=False)
    groups = max(feature_group_count, batch_group_count)
    scattered = any(d > 1 for d in lhs_dilation) and all(n == 1 for n in window_strides)
    if not scattered:
        config = [(0, 0, 0)] * 2 + [(a, b, d - 1) for (a, b), d in zip(padding, lhs_dilation, strict=True)]
        x = pad_p.impl(x, work.type(0), config) if any(any(c) for c in config) else x
    n, features, *_ = x.shape
    if batch_group_count > 1:
        x = x.reshape(groups, n // groups, *x.shape[1:])
    else:
        x = np.moveaxis(x.reshape(n, groups, features // groups, *x.shape[2:]), 1, 0)
    k = k.reshape(groups, k.shape[0] // groups, *k.shape[1:])
    if scattered:
        out = _scattered(x, k, padding, lhs_dilation, rhs_dilation)
    else:
        out = _grouped(x, k, window_strides, rhs_dilation)  # (group, batch, feature, *spatial)
    out = np.moveaxis(out, 0, 1)
    out = out.reshape(out.shape[0], groups * out.shape[2], *out.shape[3:])
    return np.transpose(out, np.argsort(dimension_numbers.out_spec)).astype(out_dtype, copy=False)


def windows_of(x: Any, sizes: Sequence[int], strides: Sequence[int], dilation: Sequence[int]) -> Any:
    """A view of all windows over the last dimensions: (…, windows along each, elements of a window along each)."""
    n = len(sizes)
    if not n:
        return x
    widths = [dilated(s, d) for s, d in zip(sizes, dilation, strict=True)]
    axes = tuple(range(x.ndim - n, x.ndim))
    counts = [
        0 if x.shape[a] < w else (x.shape[a] - w) // s + 1 for a, w, s in zip(axes, widths, strides, strict=True)
    ]
    if 0 in counts or 0 in sizes:
        return np.zeros((*x.shape[:-n], *counts, *sizes), x.dtype)
    view = np.lib.stride_tricks.sliding_window_view(x, widths, axes)
    index: list[Any] = [..., *(slice(None, None, s) for s in (*strides, *dilation))]
    return view[tuple(index)]


def slices_of(starts: Sequence[int], counts: Sequence[int], steps: Sequence[int]) -> tuple[Any, ...]:
    """The index of ``counts`` elements from ``starts`` on, with ``steps``, along the last dimensions."""
    ends = [a + (n - 1) * s + 1 for a, n, s in zip(starts, counts, steps, strict=True)]
    return (..., *(slice(a, b, s) for a, b, s in zip(starts, ends, steps, strict=True)))


def _grouped(x: Any, k: Any, strides: Shape, dilation: Shape) -> Any:
    """x (group, batch, in, *spatial), k (group, out, in, *window) -> (group, batch, out, *spatial)."""
    sizes = k.shape[3:]
    spatial = tuple(
        window_count(n, w, s, (0, 0), 1, d)
        for n, w, s, d in zip(x.shape[3:], sizes, strides, dilation, strict=True)
    )
    groups, batch, features = x.shape[:3]
    out = np.empty((groups, batch, k.shape[1], *spatial), x.dtype)
    if not out.size or not k.size:
        out.fill(0)
        return out
    bytes_each = groups * features * math.prod(sizes) * math.prod(spatial) * x.dtype.itemsize
    step = max(1, WINDOW_BYTES // bytes_each)
    part = _by_offset if math.prod(sizes) <= math.prod(spatial) else _by_place
    for start in range(0, batch, step):
        out[:, start : start + step] = part(x[:, start : start + step], k, spatial, strides, dilation)
    return out


def _scattered(x: Any, k: Any, padding: Pairs, base: Shape, dilation: Shape) -> Any:
    """Over holes: what every element gives to each place that it reaches, added up; the holes are never read."""
    groups, batch, features, *lengths = x.shape
    sizes = k.shape[3:]
    ones = (1,) * len(sizes)
    spatial = tuple(window_count(*c) for c in zip(lengths, sizes, ones, padding, base, dilation, strict=True))
    out = np.zeros((groups, batch, k.shape[1], *spatial), x.dtype)
    if not out.size or not k.size or not x.size:
        return out
    matrix = np.moveaxis(k, 2, -1).reshape(groups, 1, -1, features)  # (group, 1, out * window, in)
    given = np.matmul(matrix, x.reshape(groups, batch, features, -1))
    given = given.reshape(groups, batch, k.shape[1], math.prod(sizes), *lengths)
    for i, place in enumerate(np.ndindex(*sizes)):
        target: list[Any] = [...]
        source: list[Any] = []
        for n, m, (low, _), d, p, inner in zip(lengths, spatial, padding, base, place, dilation, strict=True):
            origin = low - p * inner  # element j goes to origin + j * d
            first = max(0, -(origin // d))
            last = min(n - 1, (m - 1 - origin) // d)
            source.append(slice(first, max(last + 1, first)))
            target.append(slice(origin + first * d, max(origin + last * d + 1, origin + first * d), d))
        out[tuple(target)] += given[(slice(None), slice(None), slice(None), i, *source)]
    return out


def _by_offset(x: Any, k: Any, spatial: Shape, strides: Shape, dilation: Shape) -> Any:
    """For each element of the window, what it meets everywhere: few and long copies where the window is small."""
    groups, batch, features = x.shape[:3]
    sizes = k.shape[3:]
    columns = np.empty((groups, batch, features, math.prod(sizes), *spatial), x.dtype)
    for i, place in enumerate(np.ndindex(*sizes)):
        starts = [p * d for p, d in zip(place, dilation, strict=True)]
        columns[:, :, :, i] = x[slices_of(starts, spatial, strides)]
    matrix = k.reshape(groups, 1, k.shape[1], -1)
    out = np.matmul(matrix, columns.reshape(groups, batch, matrix.shape[-1], -1))
    return out.reshape(groups, batch, k.shape[1], *spatial)


def _by_place(x: Any, k: Any, spatial: Shape, strides: Shape, dilation: Shape) -> Any:
    """For each place the window there: few and long copies where there are few places, as in gradients of kernels."""
    groups, batch, features = x.shape[:3]
    sizes = k.shape[3:]
    rows = np.empty((groups, batch, math.prod(spatial), features, *sizes), x.dtype)
    for i, place in enumerate(np.ndindex(*spatial)):
        starts = [p * s for p, s in zip(place, strides, strict=True)]
        rows[:, :, i] = x[slices_of(starts, sizes, dilation)]
    matrix = k.reshape(groups, k.shape[1], -1).swapaxes(1, 2)
    out = np.matmul(rows.reshape(groups, -1, matrix.shape[1]), matrix)
    return np.moveaxis(out.reshape(groups, batch, math.prod(spatial), -1), 2, 3).reshape(
        groups, batch, k.shape[1], *spatial
    )


# --- transposition ----------------------------------------------------------------------------------------------------


def split_axis(x: Any, axis: int, outer: int) -> Any:
    """One axis as two: (outer, rest)."""
    shape = type_of(x).shape
    return reshape(x, (*shape[:axis], outer, shape[axis] // outer, *shape[axis + 1 :]))


def merge_axis(x: Any, source: int, target: int) -> Any:
    """An axis as the slower part of another one; ``target`` counts the axes that are left."""
    x = moveaxis(x, source, target)
    shape = type_of(x).shape
    return reshape(x, (*shape[:target], shape[target] * shape[target + 1], *shape[target + 2 :]))


def _sizes(t: ArrayType, spec: Sequence[int]) -> tuple[int, ...]:
    return permuted(t.shape, spec)[2:]


def _transpose(ct: Any, lhs: Any, rhs: Any, **params: Any) -> tuple[Any, Any]:
    params["preferred_element_type"] = None
    if is_linear(lhs):  # in the dtype of the result, which may be wider than that of the operands
        return _as(_transpose_lhs(ct, lhs.type, _as(rhs, type_of(ct)), **params), lhs.type), None
    return None, _as(_transpose_rhs(ct, _as(lhs, type_of(ct)), rhs.type, **params), rhs.type)


def _as(x: Any, t: ArrayType) -> Any:
    return convert_element_type(x, t.dtype) if type_of(x).dtype != t.dtype else x


def _transpose_lhs(ct: Any, lhs: ArrayType, rhs: Any, **params: Any) -> Any:
    lhs_spec, rhs_spec, out_spec = params["dimension_numbers"]
    features, batches = params["feature_group_count"], params["batch_group_count"]
    inner, base, strides = params["rhs_dilation"], params["lhs_dilation"], params["window_strides"]
    pads = []
    sizes = _sizes(lhs, lhs_spec), _sizes(type_of(rhs), rhs_spec), _sizes(type_of(ct), out_spec)
    for i, (n, k, m) in enumerate(zip(*sizes, strict=True)):
        low = dilated(k, inner[i]) - params["padding"][i][0] - 1
        pads.append((low, dilated(n, base[i]) + dilated(k, inner[i]) - 1 - dilated(m, strides[i]) - low))
    groups = max(features, batches)
    kernel = rev(rhs, rhs_spec[2:])
    if groups > 1:  # the output features of each group become input features of that group
        kernel = merge_axis(split_axis(kernel, rhs_spec[0], groups), rhs_spec[0], rhs_spec[1])
    swapped = (rhs_spec[1], rhs_spec[0], *rhs_spec[2:])
    out = conv_general_dilated_bind(
        ct, kernel,
        **{
            **params, "dimension_numbers": ConvDimensionNumbers(out_spec, swapped, lhs_spec),
            "window_strides": base, "lhs_dilation": strides, "padding": tuple(pads),
            "feature_group_count": groups, "batch_group_count": 1,
        },
    )  # fmt: skip
    if batches > 1:
        out = merge_axis(split_axis(out, lhs_spec[1], batches), lhs_spec[1], lhs_spec[0])
    return out


def _transpose_rhs(ct: Any, lhs: Any, rhs: ArrayType, **params: Any) -> Any:
    lhs_spec, rhs_spec, out_spec = params["dimension_numbers"]
    features, batches = params["feature_group_count"], params["batch_group_count"]
    inner, base, strides = params["rhs_dilation"], params["lhs_dilation"], params["window_strides"]
    pads = []
    sizes = _sizes(type_of(lhs), lhs_spec), _sizes(rhs, rhs_spec), _sizes(type_of(ct), out_spec)
    for i, (n, k, m) in enumerate(zip(*sizes, strict=True)):
        low = params["padding"][i][0]
        total = dilated(m, strides[i]) + dilated(k, inner[i]) - dilated(n, base[i]) - 1
        pads.append((low, total - low))

    def swap(spec: Sequence[int]) -> tuple[int, ...]:
        return (spec[1], spec[0], *spec[2:])

    return conv_general_dilated_bind(
        lhs, ct,
        **{
            **params, "dimension_numbers": ConvDimensionNumbers(swap(lhs_spec), swap(out_spec), swap(rhs_spec)),
            "window_strides": inner, "rhs_dilation": strides, "padding": tuple(pads),
            "feature_group_count": batches, "batch_group_count": features,
        },
    )  # fmt: skip


# --- batching ---------------------------------------------------------------------------------------------------------


def _batch(size: int, args: Any, dims: Any, **params: Any) -> tuple[Any, int]:
    (lhs, rhs), (d_lhs, d_rhs) = args, dims
    lhs_spec, rhs_spec, out_spec = params["dimension_numbers"]
    features, batches = params["feature_group_count"], params["batch_group_count"]
    if d_lhs is not None and d_rhs is not None:  # one more group a sample
        grow_batch = batches > 1
        lhs = merge_axis(lhs, d_lhs, lhs_spec[0 if grow_batch else 1])
        rhs = merge_axis(rhs, d_rhs, rhs_spec[0])
        key = "batch_group_count" if grow_batch else "feature_group_count"
        out = conv_general_dilated_bind(lhs, rhs, **{**params, key: params[key] * size})
        return split_axis(out, out_spec[1], size), out_spec[1]
    if d_lhs is not None:
        lhs = _into(lhs, d_lhs, lhs_spec[0], batches)
        out = conv_general_dilated_bind(lhs, rhs, **params)
        return split_axis(out, out_spec[0], size), out_spec[0]
    groups = max(features, batches)
    rhs = _into(rhs, d_rhs, rhs_spec[0], groups)
    out = conv_general_dilated_bind(lhs, rhs, **params)
    if groups == 1:
        return split_axis(out, out_spec[1], size), out_spec[1]
    axis = out_spec[1]
    out = moveaxis(split_axis(split_axis(out, axis, groups), axis + 1, size), axis + 1, axis)
    return merge_axis(out, axis + 1, axis + 1), axis


def _into(x: Any, d: int, axis: int, groups: int) -> Any:
    """The batch axis merged into another one, within each of its groups."""
    if groups == 1:
        return merge_axis(x, d, axis)
    x = split_axis(moveaxis(x, d, 0), axis + 1, groups)  # (size, …, group, rest, …)
    x = moveaxis(x, 0, axis + 1)  # (…, group, size, rest, …)
    return merge_axis(merge_axis(x, axis + 1, axis + 1), axis, axis)


def _either(lhs: Any, rhs: Any, **params: Any) -> Any:
    return conv_general_dilated_bind(lhs, rhs, **params)


conv_general_dilated_p = Primitive(
    "conv_general_dilated",
    type_rule=_type_rule,
    impl=_impl,
    jvp=operand_jvp(
        _either,
        [
            lambda t, out, x, y, **params: _either(t, y, **params),
            lambda t, out, x, y, **params: _either(x, t, **params),
        ],
        add_any,
    ),
    transpose=_transpose,
    batch=_batch,
    family="conv",
)


def element_type(dtype: Any) -> np.dtype[Any] | None:
    """``preferred_element_type`` as a parameter: None where it is not asked for."""
    return None if dtype is None else canonical_dtype(dtype)
