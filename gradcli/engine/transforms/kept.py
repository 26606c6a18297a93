"""Programs that transformations derive from programs, kept for as long as those live.

A jitted function that is called within a gradient is one program, however often it is called; so are a Python loop's
branches. What is derived from it depends on the settings that rules may ask for, too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from gradcli.engine.ir.program import Jaxpr, sub_jaxprs
from gradcli.engine.settings import settings

F = TypeVar("F", bound=Callable[..., Any])

_derived: WeakKeyDictionary[Jaxpr, dict[Any, Any]] = WeakKeyDictionary()
_named: WeakKeyDictionary[Jaxpr, bool] = WeakKeyDictionary()


def kept(derive: F) -> F:
    """The function of a program and flags (sequences of bools, numbers), which derives the same thing only once."""

    @functools.wraps(derive)
    def run(jaxpr: Jaxpr, *flags: Any, **options: Any) -> Any:
        table = _derived.get(jaxpr)
        if table is None:
            if _has_names(jaxpr):
                return derive(jaxpr, *flags, **options)
            table = _derived[jaxpr] = {}
        key = (derive, settings().key, *map(_frozen, flags), *[(k, _frozen(v)) for k, v in options.items()])
        found = table.get(key)
        if found is None:
            found = table[key] = derive(jaxpr, *flags, **options)
        return found

    return run  # type: ignore[return-value]


def _frozen(flags: Any) -> Any:
    return tuple(flags) if isinstance(flags, list) else flags


def _has_names(jaxpr: Jaxpr) -> bool:
    """Whether a program refers to named axes, whose sizes are those of the maps around it."""
    found = _named.get(jaxpr)
    if found is None:
        found = _named[jaxpr] = any(
            eqn.primitive.family == "collective" or any(_has_names(sub) for _, sub in sub_jaxprs(eqn.params))
            for eqn in jaxpr.eqns
        )
    return found
