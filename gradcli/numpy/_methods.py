"""The methods and properties of values, registered with :mod:`gradcli.engine.array`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import METHODS, PROPERTIES
from gradcli.engine.ir.types import canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import operators as o
from gradcli.engine.ops.take import take
from gradcli.numpy import _linear as linear
from gradcli.numpy import _reductions as r
from gradcli.numpy import _shapes as h
from gradcli.numpy import _sorting as sorting
from gradcli.numpy import _stacking as k
from gradcli.numpy import _ufuncs as u
from gradcli.numpy._base import unsupported
from gradcli.numpy._where import nonzero


def _sizes(args: tuple[Any, ...]) -> Any:
    """``(2, 3)`` from both ``f((2, 3))`` and ``f(2, 3)``."""
    return args[0] if len(args) == 1 and not isinstance(args[0], (int, np.integer)) else args


def _reshape(self: Any, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    return h.reshape(self, _sizes(shape), order)


def _transpose(self: Any, *axes: Any) -> Any:
    order = _sizes(axes) if axes else None
    return h.transpose(self, order)


def _astype(self: Any, dtype: Any, copy: bool = False, device: Any = None) -> Any:
    """In another dtype; complex to real takes the real part. None means the default float."""
    return e.convert_element_type(self, canonical_dtype(np.float64 if dtype is None else dtype))


def _clip(self: Any, min: Any = None, max: Any = None) -> Any:
    return u.clip(self, min, max)


def _choose(self: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    return import_module(_CHOOSING).choose(self, choices, out, mode)


def _compress(self: Any, condition: Any, axis: int | None = None, *, out: None = None, **options: Any) -> Any:
    return import_module(_CHOOSING).compress(condition, self, axis, out=out, **options)


def _view(self: Any, dtype: Any = None, type: None = None) -> Any:
    """The same bytes as elements of another dtype: the last axis grows or shrinks."""
    if type is not None:
        raise unsupported("view as another type of array is not supported", "give a dtype")
    return import_module("gradcli.numpy._numbers").viewed(self, dtype)


_CHOOSING = "gradcli.numpy._choosing"

METHODS.update(
    all=r.all, any=r.any, argmax=r.argmax, argmin=r.argmin, cumprod=r.cumprod, cumsum=r.cumsum, max=r.max, mean=r.mean,
    min=r.min, prod=r.prod, ptp=r.ptp, std=r.std, sum=r.sum, var=r.var,
    reshape=_reshape, transpose=_transpose, ravel=h.ravel, flatten=h.ravel, squeeze=h.squeeze, swapaxes=h.swapaxes,
    copy=h.copy, repeat=k.repeat, astype=_astype, clip=_clip, conj=u.conj, conjugate=u.conj, round=o.round,
    diagonal=linear.diagonal, dot=linear.dot, trace=linear.trace,
    argpartition=sorting.argpartition, choose=_choose, compress=_compress, view=_view, argsort=sorting.argsort,
    nonzero=nonzero, searchsorted=sorting.searchsorted, sort=sorting.sort, take=take,
)  # fmt: skip


PROPERTIES.update(T=h.transpose, mT=h.matrix_transpose, real=u.real, imag=u.imag)
