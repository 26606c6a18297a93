"""Mutable arrays, by the names of ``jax.ref``."""

from __future__ import annotations

from gradcli.engine.refs import (  # noqa: A004
    AbstractRef,
    Ref,
    addupdate,
    empty_ref,
    free_ref,
    freeze,
    get,
    new_ref,
    set,
    swap,
)

__all__ = ["AbstractRef", "Ref", "addupdate", "empty_ref", "free_ref", "freeze", "get", "new_ref", "set", "swap"]
