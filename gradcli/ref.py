"""Mutable arrays, by the names of ``jax.ref``."""

from __future__ import annotations

from gradcli.engine.refs import AbstractRef, Ref, addupdate, freeze, get, new_ref, set, swap  # noqa: A004

__all__ = ["AbstractRef", "Ref", "addupdate", "freeze", "get", "new_ref", "set", "swap"]
