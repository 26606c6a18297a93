"""Between autograd's world, where values are NumPy's, and the engine's: traced values are autograd's boxes."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.engine.array import PROPERTIES, Array, Value, is_value, raw
from gradcli.engine.trace.tracer import Tracer, value_of
from gradcli.engine.tree import tree_leaves, tree_map

BOXES: dict[type, Any] = {}  # by class of objects: the class that boxes them
BOX_TYPES: set[type] = set()
OBJECTS: dict[str, Any] = {}  # filled by autogradnames.objects, once there is a class of boxes


class _BoxMeta(type):
    """Traced values are instances of ``Box``."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(instance) or (
            cls.__module__ == __name__ and (isinstance(instance, Tracer) or type(instance) in BOX_TYPES)
        )


class Box(metaclass=_BoxMeta):
    """The class of traced values; classes derived from it box objects of a user's class."""

    def __init__(self, value: Any, trace: Any, node: Any) -> None:
        self._value, self._trace, self._node = value, trace, node

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return f"{type(self).__name__} with value {self._value}"

    @classmethod
    def register(cls, value_type: type) -> None:
        """Says that this class boxes objects of ``value_type``, which can then be differentiated by."""
        if cls.__module__ != __name__:  # arrays have their boxes
            BOXES[value_type] = BOXES[cls] = cls
            BOX_TYPES.add(cls)
            import_module("gradcli.compat.autogradnames.objects")


class ArrayBox(Box):
    """The class of traced arrays and numbers."""


def isbox(x: Any) -> bool:
    """Whether it is a traced value."""
    return isinstance(x, Tracer) or type(x) in BOX_TYPES


def getval(x: Any) -> Any:
    """What a traced value is in this run, as NumPy has it; anything else as it is.

    Raises ConcretizationTypeError where the value is not known (under vmap or jit).
    """
    if isinstance(x, Tracer):
        return x.concrete()
    if type(x) in BOX_TYPES:
        return getval(x._value)
    return raw(x) if isinstance(x, Array) else x


def getvals(tree: Any) -> Any:
    """:func:`getval` of every leaf."""
    return _mapped(getval, tree)


def known(x: Any) -> bool:
    """Whether every leaf has a value in this run."""
    return not any(isinstance(leaf, Tracer) and value_of(leaf) is None for leaf in tree_leaves(x))


def plain(tree: Any) -> Any:
    """Results as NumPy's arrays and numbers; what is still traced stays so."""
    return _mapped(lambda x: _writable(raw(x)) if isinstance(x, Array) else x, tree)


def _writable(x: Any) -> Any:
    """A result is the caller's own, to be changed in place."""
    return x.copy() if isinstance(x, np.ndarray) and not x.flags.writeable else x


def floats(tree: Any) -> Any:
    """Integers as floats: autograd's functions are differentiated by real numbers."""
    return _mapped(_float, tree)


def _float(x: Any) -> Any:
    if isinstance(x, Value):
        return x if x.dtype.kind in "fc" else x * 1.0
    if isinstance(x, (bool, int, np.integer, np.bool_)):
        return float(x)
    if isinstance(x, (np.ndarray, np.generic)):
        if x.dtype.kind in "iub":
            return x.astype(np.float64)
        if x.dtype in _EXTENDED:
            warnings.warn(f"{x.dtype} is computed with as {_EXTENDED[x.dtype]}", stacklevel=2)
            return x.astype(_EXTENDED[x.dtype])
    return x


_WIDEST = {np.longdouble: np.float64, np.clongdouble: np.complex128}
_EXTENDED: dict[Any, Any] = {np.dtype(k): np.dtype(v) for k, v in _WIDEST.items() if np.dtype(k) != np.dtype(v)}


def _mapped(f: Any, tree: Any) -> Any:
    """A function of every leaf. Dictionaries keep the order of their keys, which a pytree does not remember."""
    if isinstance(tree, Value) or is_value(tree):
        return f(tree)
    if type(tree) is dict:
        return {k: _mapped(f, v) for k, v in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(_mapped(f, v) for v in tree)
    return tree_map(f, tree)


def ordered_like(tree: Any, example: Any) -> Any:
    """The same tree with the keys of its dictionaries in the order that they have in ``example``."""
    if type(example) is dict and isinstance(tree, dict) and tree.keys() == example.keys():
        return {k: ordered_like(tree[k], v) for k, v in example.items()}
    if type(example) in (list, tuple) and type(tree) is type(example) and len(tree) == len(example):
        return type(tree)(ordered_like(t, e) for t, e in zip(tree, example, strict=True))
    return tree


def install_names() -> None:
    """Gives traced values what autograd's boxes have."""
    PROPERTIES.setdefault("_value", getval)
