"""Modules under JAX's names over the engine, enough of them that ordinary JAX files run without JAX."""

from __future__ import annotations

import functools
import importlib
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import gradcli
from gradcli import ad_checkpoint, custom_batching, custom_derivatives, debug, flatten_util, lax, nn, tree_util
from gradcli import numpy as gnp
from gradcli.engine import api
from gradcli.engine.array import Value
from gradcli.engine.errors import (
    ConcretizationTypeError,
    NonConcreteBooleanIndexError,
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerIntegerConversionError,
    UnexpectedTracerError,
)
from gradcli.engine.settings import override, settings, update
from gradcli.engine.trace.tracer import Tracer
from gradcli.experimental import io_callback
from gradcli.experimental import jet as jet_module

_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "jax_enable_x64": ("precision", lambda on: "float64" if on else "float32"),
    "jax_threefry_partitionable": ("prng_partitionable", bool),
    "jax_debug_nans": ("debug_nans", bool),
    "jax_debug_infs": ("debug_infs", bool),
}


class Config:
    """``jax.config``: the options that mean something here; others are accepted and ignored."""

    def update(self, name: str, value: Any) -> None:
        """Sets an option for the rest of the run."""
        if name in _OPTIONS:
            field, convert = _OPTIONS[name]
            update(**{field: convert(value)})

    @property
    def jax_enable_x64(self) -> bool:
        """Whether 64-bit types are on."""
        return settings().precision == "float64"

    x64_enabled = jax_enable_x64

    @property
    def jax_threefry_partitionable(self) -> bool:
        """The layout of random bits."""
        return settings().prng_partitionable


config = Config()


@contextmanager
def enable_x64(on: bool = True) -> Iterator[None]:
    """64-bit types inside a ``with`` block."""
    with override(precision="float64" if on else "float32"):
        yield


def _block_until_ready(tree: Any) -> Any:
    return tree


def _device_get(tree: Any) -> Any:
    return tree_util.tree_map(lambda x: np.asarray(x) if isinstance(x, Value) else x, tree)


def _devices(*_: Any) -> list[str]:
    return ["cpu:0"]


def _module(name: str, **members: Any) -> types.ModuleType:
    module = types.ModuleType(name, f"gradcli's stand-in for {name}.")
    module.__dict__.update(members)
    module.__dict__["__path__"] = []
    return module


def _tree_module() -> types.ModuleType:
    short = {
        name.removeprefix("tree_"): getattr(tree_util, name) for name in dir(tree_util) if name.startswith("tree_")
    }
    return _module("jax.tree", **{name: short[name] for name in short})


def _lazy(name: str, home: str) -> types.ModuleType:
    """A module of that name whose contents are those of ``home``, which is loaded when the first one is used."""

    def find(attribute: str) -> Any:
        return getattr(importlib.import_module(home), attribute)

    return _module(name, __getattr__=find, __dir__=lambda: dir(importlib.import_module(home)))


@functools.cache
def modules() -> dict[str, types.ModuleType]:
    """Every module by its full name."""
    random = importlib.import_module("gradcli.random")
    public = {name: getattr(api, name) for name in api.__dict__ if not name.startswith("_")}
    public |= {name: getattr(gradcli, name) for name in gradcli._MORE}
    errors = [
        ConcretizationTypeError, NonConcreteBooleanIndexError, TracerArrayConversionError, TracerBoolConversionError,
        TracerIntegerConversionError, UnexpectedTracerError,
    ]  # fmt: skip
    scipy_special = importlib.import_module("gradcli.scipy.special")
    scipy_linalg = _lazy("jax.scipy.linalg", "gradcli.scipy.linalg")
    test_util = _module("jax.test_util", check_grads=api.check_grads)
    found = {
        "jax.numpy": gnp,
        "jax.numpy.fft": gnp.fft,
        "jax.numpy.linalg": gnp.linalg,
        "jax.lax": lax,
        "jax.lax.linalg": _lazy("jax.lax.linalg", "gradcli.lax.linalg"),
        "jax.random": random,
        "jax.nn": nn,
        "jax.tree_util": tree_util,
        "jax.tree": _tree_module(),
        "jax.test_util": test_util,
        "jax.errors": _module("jax.errors", **{e.__name__: e for e in errors}),
        "jax.core": _module("jax.core", Tracer=Tracer),
        "jax.scipy": _module("jax.scipy", linalg=scipy_linalg, special=scipy_special),
        "jax.scipy.linalg": scipy_linalg,
        "jax.scipy.special": scipy_special,
        "jax.config": _module("jax.config", config=config),
        "jax.typing": _module("jax.typing", ArrayLike=Any),
        "jax.experimental": _module(
            "jax.experimental", enable_x64=enable_x64, io_callback=io_callback, jet=jet_module
        ),
        "jax.experimental.jet": jet_module,
        "jax.ad_checkpoint": ad_checkpoint,
        "jax.custom_batching": custom_batching,
        "jax.custom_derivatives": custom_derivatives,
        "jax.debug": debug,
        "jax.flatten_util": flatten_util,
    }
    jax = _module(
        "jax", **public, config=config, block_until_ready=_block_until_ready, device_get=_device_get,
        device_put=lambda x, *_, **__: gnp.asarray(x) if not isinstance(x, (dict, list, tuple)) else x,
        devices=_devices, local_devices=_devices, device_count=lambda: 1, local_device_count=lambda: 1,
        enable_x64=enable_x64, __version__="0.10.2",
    )  # fmt: skip
    for name, module in found.items():
        short = name.split(".", 1)[1]
        if "." not in short and short != "config":
            setattr(jax, short, module)
    return {"jax": jax, **found}
