"""``jax.config``: the options that mean something here, and the contexts that set them for a while."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, Literal

from gradcli.engine.settings import override, settings, update

_Reader = Callable[[], Any]
_Setting = tuple[str, Callable[[Any], Any], _Reader]
_OPTIONS: dict[str, _Setting] = {
    "jax_enable_x64": (
        "precision", lambda on: "float64" if on else "float32", lambda: settings().precision == "float64"
    ),
    "jax_threefry_partitionable": ("prng_partitionable", bool, lambda: settings().prng_partitionable),
    "jax_debug_nans": ("debug_nans", bool, lambda: settings().debug_nans),
    "jax_debug_infs": ("debug_infs", bool, lambda: settings().debug_infs),
    "jax_numpy_dtype_promotion": ("promotion", str, lambda: settings().promotion),
    "jax_numpy_rank_promotion": ("rank_promotion", str, lambda: settings().rank_promotion),
    "jax_disable_jit": ("steps", bool, lambda: settings().steps),
}  # fmt: skip
# Options of JAX that change nothing of what is computed here; their values are kept.
_KEPT: dict[str, Any] = {
    "jax_array_garbage_collection_guard": "allow", "jax_captured_constants_report_frames": 0,
    "jax_captured_constants_warn_bytes": 2_000_000_000, "jax_check_tracer_leaks": False,
    "jax_compilation_cache_dir": None, "jax_compiler_enable_remat_pass": True,
    "jax_cpu_enable_async_dispatch": True,
    "jax_debug_key_reuse": False, "jax_debug_log_modules": "", "jax_default_device": None,
    "jax_default_matmul_precision": None, "jax_default_prng_impl": "threefry2x32",
    "jax_disable_most_optimizations": False, "jax_dynamic_shapes": False,
    "jax_enable_checks": False, "jax_enable_compilation_cache": True, "jax_enable_custom_prng": False,
    "jax_exec_time_optimization_effort": 0.0, "jax_explain_cache_misses": False,
    "jax_include_full_tracebacks_in_locations": True, "jax_legacy_prng_key": "allow", "jax_log_compiles": False,
    "jax_logging_level": "NOTSET", "jax_no_tracing": False, "jax_num_cpu_devices": 1,
    "jax_persistent_cache_min_compile_time_secs": 1.0, "jax_persistent_cache_min_entry_size_bytes": 0,
    "jax_platform_name": "", "jax_platforms": "cpu", "jax_pprint_use_color": False,
    "jax_softmax_custom_jvp": True, "jax_traceback_filtering": "auto", "jax_transfer_guard": "allow",
    "jax_use_shardy_partitioner": True,
}  # fmt: skip


class Config:
    """``jax.config``: ``update``, ``read``, and every option as an attribute.

    An option that JAX does not have raises AttributeError, as it does there.
    """

    def __init__(self) -> None:
        object.__setattr__(self, "_kept", dict(_KEPT))

    def update(self, name: str, value: Any) -> None:
        """Sets an option for the rest of the run."""
        if name in _OPTIONS:
            field, convert, _ = _OPTIONS[name]
            update(**{field: convert(value)})
        elif name in self._kept:
            self._kept[name] = value
        else:
            raise self._unknown(name)

    def read(self, name: str) -> Any:
        """The value of an option."""
        return getattr(self, name)

    @property
    def x64_enabled(self) -> bool:
        """Whether 64-bit types are on."""
        return settings().precision == "float64"

    @property
    def values(self) -> Mapping[str, Any]:
        """Every option and its value."""
        return {**{name: read() for name, (_, _, read) in _OPTIONS.items()}, **self._kept}

    def parse_flags_with_absl(self) -> None:
        """Nothing: options are not read from a command line."""

    def __getattr__(self, name: str) -> Any:
        if name in _OPTIONS:
            return _OPTIONS[name][2]()
        kept = self.__dict__.get("_kept", {})
        if name in kept:
            return kept[name]
        raise self._unknown(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.update(name, value)

    def _unknown(self, name: str) -> AttributeError:
        close = get_close_matches(name, [*_OPTIONS, *_KEPT], 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return AttributeError(f"Unrecognized config option: {name}{hint}", name=name)


config = Config()


def first_precision() -> Literal["float32", "float64"]:
    """What a file that imports jax begins with: 32 bits, or what JAX_ENABLE_X64 in the environment says."""
    wish = os.environ.get("JAX_ENABLE_X64", "").lower()
    return "float64" if wish in ("1", "true", "t", "yes", "y", "on") else "float32"


def begin() -> None:
    """Sets what a file that imports jax begins with, for the rest of its run."""
    update(**first_settings())


def first_settings() -> dict[str, Any]:
    """The settings that a file that imports jax begins with."""
    return {"precision": first_precision(), "clamps_indices": True, "jax_text": True}


@contextmanager
def enable_x64(new_val: bool = True) -> Iterator[None]:
    """64-bit types inside a ``with`` block."""
    with override(precision="float64" if new_val else "float32"):
        yield


@contextmanager
def disable_x64() -> Iterator[None]:
    """32-bit types inside a ``with`` block."""
    with override(precision="float32"):
        yield


@contextmanager
def threefry_partitionable(new_val: bool = True) -> Iterator[None]:
    """The layout of random bits inside a ``with`` block."""
    with override(prng_partitionable=bool(new_val)):
        yield


def kept_context(option: str) -> Callable[..., Any]:
    """The context manager of an option that changes nothing here."""

    @contextmanager
    def context(new_val: Any = True, *_: Any, **__: Any) -> Iterator[None]:
        before = config.read(option)
        config.update(option, new_val)
        try:
            yield
        finally:
            config.update(option, before)

    context.__name__ = option.removeprefix("jax_")
    return context


CONTEXTS = {
    name.removeprefix("jax_"): kept_context(name)
    for name in (
        "jax_array_garbage_collection_guard", "jax_debug_key_reuse", "jax_default_device",
        "jax_default_matmul_precision", "jax_default_prng_impl", "jax_enable_checks", "jax_enable_custom_prng",
        "jax_explain_cache_misses", "jax_legacy_prng_key", "jax_log_compiles", "jax_numpy_dtype_promotion",
        "jax_numpy_rank_promotion", "jax_transfer_guard", "jax_no_tracing", "jax_debug_nans", "jax_debug_infs",
    )
} | {"checking_leaks": kept_context("jax_check_tracer_leaks"), "check_tracer_leaks":
     kept_context("jax_check_tracer_leaks")}  # fmt: skip
