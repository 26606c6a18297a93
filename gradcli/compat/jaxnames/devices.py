"""Devices by JAX's names: there is one, the CPU. And what JAX's users say of where and when things are computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradcli.compat.jaxnames.avals import ShapedArray, shown
from gradcli.engine.array import METHODS, PROPERTIES, Array, Value, is_value, type_of
from gradcli.engine.custom import as_value
from gradcli.engine.ir.keys import KEY
from gradcli.engine.refs import Ref
from gradcli.engine.settings import settings
from gradcli.engine.trace.tracer import untraced
from gradcli.engine.tree import tree_map
from gradcli.numpy import asarray
from gradcli.numpy._dtypes import ScalarType


class Device:
    """The CPU."""

    platform = device_kind = "cpu"
    id = local_hardware_id = process_index = host_id = 0

    def memory_stats(self) -> None:
        """Nothing is known."""

    def __repr__(self) -> str:
        return "CpuDevice(id=0)"

    def __str__(self) -> str:
        return "TFRT_CPU_0"


CPU = Device()


class SingleDeviceSharding:
    """Where an array lies: on the CPU."""

    def __init__(self, device: Device = CPU, **_: Any) -> None:
        self.device_set = {device}
        self.memory_kind = "device"
        self.is_fully_replicated = self.is_fully_addressable = True

    spec = ()
    mesh = None

    def is_equivalent_to(self, other: Any, ndim: int) -> bool:
        """Whether the other says the same: it does."""
        return isinstance(other, SingleDeviceSharding)

    def __repr__(self) -> str:
        return f"SingleDeviceSharding(device={CPU!r}, memory_kind={self.memory_kind})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SingleDeviceSharding)

    def __hash__(self) -> int:
        return hash(SingleDeviceSharding)


def devices(backend: str | None = None) -> list[Device]:
    """The devices of a platform. Raises RuntimeError for another platform than the CPU."""
    if backend not in (None, "cpu"):
        raise RuntimeError(f"Unknown backend: {backend!r} requested, but no platforms that are present have one: cpu")
    return [CPU]


def local_devices(process_index: int | None = None, backend: str | None = None, host_id: int | None = None) -> Any:
    """The devices of this process."""
    return devices(backend)


def device_count(backend: str | None = None) -> int:
    """1."""
    return len(devices(backend))


def default_backend() -> str:
    """``cpu``."""
    return CPU.platform


class Backend:
    """What computes: this process, on its CPU."""

    platform = platform_version = runtime_type = CPU.platform

    def devices(self) -> list[Device]:
        """Its devices."""
        return [CPU]

    local_devices = devices

    def device_count(self) -> int:
        """1."""
        return 1

    local_device_count = device_count

    def process_index(self) -> int:
        """0."""
        return 0

    host_id = process_index


BACKEND = Backend()


def get_backend(platform: str | None = None) -> Backend:
    """The backend of a platform. Raises RuntimeError for another than the CPU."""
    devices(platform)
    return BACKEND


def backends() -> dict[str, Backend]:
    """Every backend by its platform."""
    return {BACKEND.platform: BACKEND}


def get_default_device() -> Device:
    """The CPU."""
    return CPU


def process_index(backend: str | None = None) -> int:
    """0."""
    return 0


def process_count(backend: str | None = None) -> int:
    """1."""
    return 1


def block_until_ready(x: Any) -> Any:
    """Its argument: everything is computed already."""
    return x


def device_put(x: Any, device: Any = None, **_: Any) -> Any:
    """The leaves as arrays."""
    return tree_map(as_value, x)


def make_array_from_callback(
    shape: Sequence[int], sharding: Any, data_callback: Callable[..., Any], dtype: Any = None
) -> Any:
    """What the callback gives for all indices: there is one device. Raises ValueError for another shape."""
    return _of_shape(asarray(data_callback((slice(None),) * len(shape)), dtype), shape)


def make_array_from_process_local_data(sharding: Any, local_data: Any, global_shape: Any = None) -> Any:
    """The data of the only process. Raises ValueError for another shape."""
    value = asarray(local_data)
    return value if global_shape is None else _of_shape(value, global_shape)


def make_array_from_single_device_arrays(shape: Sequence[int], sharding: Any, arrays: Sequence[Any]) -> Any:
    """The array of the only device. Raises ValueError for several, or another shape."""
    (value,) = arrays
    return _of_shape(value, shape)


def _of_shape(value: Any, shape: Sequence[int]) -> Any:
    if value.shape != tuple(shape):
        raise ValueError(f"expected an array of shape {tuple(shape)}, got {value.shape}")
    return value


def device_get(x: Any) -> Any:
    """The leaves as NumPy arrays; traced ones stay, and random keys."""
    return tree_map(lambda leaf: np.asarray(leaf) if type(leaf) is Array and leaf.dtype is not KEY else leaf, x)


def nothing(*_: Any, **__: Any) -> None:
    """Does nothing: there are no caches of a compiler, no pending effects, no profiler."""


def typeof(x: Any) -> Any:
    """The type of a value. Raises TypeError (G207) for what is none."""
    return x.aval if isinstance(x, Ref) else shown(type_of(as_value(x)))


ensure_compile_time_eval = untraced


class _NoProfile:
    """A context manager and decorator that does nothing, under the names of ``jax.profiler``."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> _NoProfile:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def __call__(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        return fun


def annotate_function(func: Callable[..., Any] | None = None, name: str | None = None, **_: Any) -> Any:
    """The function itself."""
    return functools.partial(annotate_function, name=name) if func is None else func


PROFILER: dict[str, Any] = {
    **{n: nothing for n in ("start_trace", "stop_trace", "start_server", "stop_server", "save_device_memory_profile")},
    **{n: _NoProfile for n in ("trace", "TraceAnnotation", "StepTraceAnnotation")},
    "annotate_function": annotate_function,
}


def is_array_leaf(x: Any) -> bool:
    """Whether a leaf is an array or number."""
    return is_value(x)


def _scalar_text(cls: type) -> str:
    return f"<class 'jax.numpy.{cls.__name__.removesuffix('_')}'>" if settings().jax_text else type.__repr__(cls)


def install_methods(others: Mapping[str, Callable[..., Any]]) -> None:
    """Gives values the methods and properties of JAX's arrays that say where they are, and these other methods."""
    ShapedArray.sharding = SingleDeviceSharding()
    Value.aval = property(lambda self: shown(self.type) if settings().jax_text else self.type)  # type: ignore[method-assign, assignment]
    ScalarType.__repr__ = _scalar_text  # type: ignore[method-assign, assignment]
    given: dict[str, Callable[..., Any]] = {
        "block_until_ready": lambda self: self, "copy_to_host_async": nothing, "devices": lambda self: {CPU},
        "is_deleted": lambda self: False, "delete": nothing, "is_ready": lambda self: True,
        "to_device": lambda self, device=None, **_: self,
    }  # fmt: skip
    for name, method in {**given, **others}.items():
        METHODS.setdefault(name, method)
    read: dict[str, Callable[..., Any]] = {
        "device": lambda self: CPU, "sharding": lambda self: SingleDeviceSharding(), "committed": lambda self: False,
        "is_fully_addressable": lambda self: True,
    }  # fmt: skip
    for name, property_ in read.items():
        PROPERTIES.setdefault(name, property_)
