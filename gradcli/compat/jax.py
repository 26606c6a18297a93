"""Modules under JAX's names over the engine: files written for JAX run as they are, without JAX.

Members come from gradcli's own modules by name (see :mod:`gradcli.compat.lazy`); what JAX has around its core is in
:mod:`gradcli.compat.jaxnames`.
"""

from __future__ import annotations

import functools
import types
from typing import Any

from gradcli.compat.jaxnames import absent, earlier, programs
from gradcli.compat.jaxnames import config as options
from gradcli.compat.jaxnames import devices as where
from gradcli.compat.jaxnames.config import config as config
from gradcli.compat.lazy import MISSING, Standin, Standins
from gradcli.engine import api, errors
from gradcli.engine.ops.define import REGISTRY

VERSION = "0.10.2"
_ = api  # importing the API defines every primitive
_OWN = "gradcli.compat.jaxnames"
_ERRORS = (
    "ConcretizationTypeError", "NonConcreteBooleanIndexError", "TracerArrayConversionError",
    "TracerBoolConversionError", "TracerIntegerConversionError", "TypePromotionError", "UnexpectedTracerError",
)  # fmt: skip
# Errors of what does not exist here, for files that mention them.
_NEVER = {"KeyReuseError": RuntimeError, "InconclusiveDimensionOperation": Exception, "JaxprTypeError": TypeError}
# Modules whose members are those of a module of gradcli with the same name.
_SAME = (
    "numpy numpy.fft numpy.linalg lax lax.linalg random nn nn.initializers tree tree_util scipy ad_checkpoint "
    "custom_batching custom_derivatives debug flatten_util image ops ref sharding stages dlpack experimental "
    "experimental.jet experimental.sparse experimental.checkify"
).split()
_SCIPY = (
    "cluster cluster.vq fft integrate interpolate linalg ndimage optimize signal sparse sparse.linalg special "
    "spatial spatial.transform stats"
).split()
_HERE = ("util", "extend.linear_util", "experimental.host_callback")
_PRIMITIVES = ("lax", "lax.linalg", "extend.core.primitives", "custom_derivatives")
# Where JAX itself keeps what it publishes, for files that import it from there.
_PRIVATE = {
    "api": "", "core": "core", "dtypes": "dtypes", "config": "config", "numpy": "numpy", "random": "random", "nn": "nn",
    "tree_util": "tree_util", "tree": "tree", "typing": "typing", "util": "util", "scipy": "scipy", "test_util":
    "test_util", "flatten_util": "flatten_util", "debugging": "debug", "ad_checkpoint": "ad_checkpoint",
    "custom_derivatives": "custom_derivatives", "errors": "errors", "ops": "ops", "image": "image",
    "lax.lax": "lax", "lax.linalg": "lax.linalg", "lax.control_flow": "lax", "lax.parallel": "lax",
    "lax.slicing": "lax", "interpreters.ad": "interpreters.ad", "interpreters.batching": "interpreters.batching",
    "interpreters.mlir": "interpreters.mlir", "interpreters.partial_eval": "interpreters.partial_eval",
    "xla_bridge": "extend.backend", "linear_util": "extend.linear_util", "api_util": "api_util",
}  # fmt: skip
_LATER: dict[str, dict[str, str]] = {
    "jax": {
        "Array": "gradcli.engine.array:Value",
        "jit": f"{_OWN}.jitting:jit", "disable_jit": f"{_OWN}.jitting:disable_jit",
        **{n: f"gradcli.tree_util:{n}" for n in (
            "tree_map", "tree_flatten", "tree_leaves", "tree_reduce", "tree_structure", "tree_transpose",
            "tree_unflatten", "tree_all",
        )},
        "float0": "gradcli.engine.custom:FLOAT0",
        "empty_ref": "gradcli.engine.refs:empty_ref", "free_ref": "gradcli.engine.refs:free_ref",
    },
    "example_libraries.stax": {
        **{n: f"gradcli.nn:{n}" for n in (
            "elu", "gelu", "leaky_relu", "log_softmax", "relu", "selu", "sigmoid", "softmax", "softplus", "standardize",
        )},
        **{n: f"{_OWN}.initializers:{n}" for n in ("glorot_normal", "normal", "ones", "zeros")},
        "glorot": f"{_OWN}.initializers:glorot_normal", "randn": f"{_OWN}.initializers:normal",
        "logsoftmax": "gradcli.nn:log_softmax",
    },
    "numpy": {"ndarray": "gradcli.engine.array:Value", "issubdtype": f"{_OWN}.absent:is_kind"},
    "nn.initializers": {},
    "tree_util": {"KeyEntry": "typing:Hashable"},
    "ops": {f"segment_{n}": f"{_OWN}.segments:segment_{n}" for n in ("sum", "prod", "max", "min")},
    "experimental.ode": {"odeint": f"{_OWN}.ode:odeint"},
    "experimental.pjit": {"pjit": f"{_OWN}.jitting:jit"},
    "dtypes": {
        "issubdtype": f"{_OWN}.absent:is_kind", "result_type": "gradcli.numpy:result_type",
        "bfloat16": "gradcli.numpy:bfloat16", "finfo": "gradcli.numpy:finfo", "iinfo": "gradcli.numpy:iinfo",
        "promote_types": "gradcli.numpy:promote_types",
        "canonicalize_dtype": "gradcli.engine.ir.types:canonical_dtype",
        "float0": "gradcli.engine.custom:FLOAT0", "lattice_result_type": f"{_OWN}.absent:lattice_result_type",
        "TypePromotionError": "gradcli.engine.errors:TypePromotionError",
        "itemsize_bits": f"{_OWN}.absent:itemsize_bits", "scalar_type_of": f"{_OWN}.absent:scalar_type_of",
        "prng_key": f"{_OWN}.absent:KeyKind", "extended": f"{_OWN}.absent:Extended",
    },
    "test_util": {
        "check_grads": f"{_OWN}.testing:check_grads", "check_jvp": f"{_OWN}.testing:check_jvp",
        "check_vjp": f"{_OWN}.testing:check_vjp",
    },
    "core": {
        "Tracer": "gradcli.engine.trace.tracer:Tracer", "Jaxpr": "gradcli.engine.ir.program:Jaxpr",
        "ClosedJaxpr": "gradcli.engine.ir.program:Jaxpr", "Value": "gradcli.engine.array:Value",
        "Literal": "gradcli.engine.ir.program:Literal", "Var": "gradcli.engine.ir.program:Var",
        "AbstractValue": "gradcli.engine.ir.types:ArrayType", "ShapedArray": f"{_OWN}.avals:ShapedArray",
        "Atom": "gradcli.engine.ir.program:Atom", "eval_jaxpr": f"{_OWN}.programs:eval_jaxpr",
        "jaxpr_as_fun": f"{_OWN}.programs:jaxpr_as_fun", "get_aval": f"{_OWN}.devices:typeof",
        "concrete_or_error": f"{_OWN}.programs:concrete_or_error", "subjaxprs": f"{_OWN}.programs:subjaxprs",
        "ensure_compile_time_eval": f"{_OWN}.devices:ensure_compile_time_eval",
        "Primitive": f"{_OWN}.primitives:Primitive", "JaxprEqn": "gradcli.engine.ir.program:Eqn",
        "trace_state_clean": f"{_OWN}.programs:trace_state_clean",
    },
    "extend.core": {
        "Jaxpr": "gradcli.engine.ir.program:Jaxpr", "ClosedJaxpr": "gradcli.engine.ir.program:Jaxpr",
        "JaxprEqn": "gradcli.engine.ir.program:Eqn", "Literal": "gradcli.engine.ir.program:Literal",
        "Var": "gradcli.engine.ir.program:Var", "Primitive": f"{_OWN}.primitives:Primitive",
        "jaxpr_as_fun": f"{_OWN}.programs:jaxpr_as_fun", "subjaxprs": f"{_OWN}.programs:subjaxprs",
        "concrete_or_error": f"{_OWN}.programs:concrete_or_error",
        "check_jaxpr": "gradcli.engine.ir.check:check_jaxpr",
    },
    "ad": {n: f"gradcli.engine.pullback:{n}" for n in ("DidntWant", "DontWant", "GradRef", "GradValue")},
    "extend.core.primitives": {n: f"{_OWN}.primitives:{n}" for n in ("call_p", "closed_call_p", "core_call_p")},
    "interpreters.ad": {n: f"{_OWN}.primitives:{n}" for n in (
        "primitive_jvps", "primitive_transposes", "Zero", "UndefinedPrimal", "is_undefined_primal", "defjvp",
        "deflinear", "deflinear2", "instantiate_zeros",
    )},
    "interpreters.batching": {n: f"{_OWN}.primitives:{n}" for n in (
        "primitive_batchers", "not_mapped", "moveaxis", "bdim_at_front",
    )},
    "extend.backend": {n: f"{_OWN}.devices:{n}" for n in (
        "backends", "get_backend", "get_default_device",
    )} | {"clear_backends": f"{_OWN}.devices:nothing"},
    "interpreters.partial_eval": {},
    "interpreters.xla": {},
    "interpreters.mlir": {n: f"{_OWN}.primitives:{n}" for n in ("register_lowering", "lower_fun")},
}  # fmt: skip


class _Lax(Standin):
    """``jax.lax`` and the modules like it, which have each primitive as well: ``sin_p``, ``scatter_add_p``."""

    __slots__ = ()

    def _of_sources(self, name: str) -> Any:
        found = super()._of_sources(name)
        if found is not MISSING or not name.endswith("_p"):
            return found
        written = name.removesuffix("_p")
        return REGISTRY.get(written, REGISTRY.get(written.replace("_", "-"), MISSING))


def _root_members() -> dict[str, Any]:
    nothing = where.nothing
    members: dict[str, Any] = {n: getattr(where, n) for n in (
        "Device", "block_until_ready", "default_backend", "device_count", "device_get", "device_put", "devices",
        "make_array_from_callback",
        "make_array_from_process_local_data", "make_array_from_single_device_arrays",
        "ensure_compile_time_eval", "local_devices", "process_count", "process_index", "typeof",
    )}  # fmt: skip
    members |= {n: lambda *_: [0] for n in ("process_indices", "host_ids")}
    members |= {n: options.CONTEXTS["transfer_guard"] for n in (
        "transfer_guard_device_to_device", "transfer_guard_device_to_host", "transfer_guard_host_to_device",
    )}  # fmt: skip
    members |= {"local_device_count": where.device_count, "host_count": where.process_count,
                "host_id": where.process_index}  # fmt: skip
    members |= {n: nothing for n in (
        "clear_caches", "effects_barrier", "print_environment_info", "clear_backends",
        "copy_to_host_async",
    )}  # fmt: skip
    members |= options.CONTEXTS
    return members | absent.ROOT | {
        "config": config, "enable_x64": options.enable_x64, "__version__": VERSION,
        "threefry_partitionable": options.threefry_partitionable,
        "__version_info__": tuple(int(n) for n in VERSION.split(".")),
    }  # fmt: skip


def _own_members() -> dict[str, dict[str, Any]]:
    """What modules have beside the members that are looked up."""
    kinds: dict[str, Any] = {n: getattr(errors, n) for n in _ERRORS}
    kinds |= {"JAXTypeError": errors.TracerError, "JAXIndexError": IndexError, "JaxRuntimeError": RuntimeError}
    kinds |= {n: type(n, (base,), {"__module__": "jax.errors"}) for n, base in _NEVER.items()}
    return {
        "errors": kinds,
        "numpy": dict(absent.DTYPES),
        "config": {"config": config},
        "typing": {"ArrayLike": Any, "DTypeLike": Any},
        "profiler": where.PROFILER,
        "experimental.shard_map": {"shard_map": absent.ROOT["shard_map"]},
        "experimental.mesh_utils": absent.refused("jax.experimental.mesh_utils", "create_device_mesh", "one device"),
        "sharding": absent.SHARDING | dict.fromkeys(("SingleDeviceSharding", "Sharding"), where.SingleDeviceSharding),
        "experimental": {"enable_x64": options.enable_x64, "disable_x64": options.disable_x64},
    }


def _sources(name: str) -> list[str]:
    """The modules of gradcli that the members of ``jax.<name>`` come from."""
    if name == "nn.initializers":
        return ["gradcli.nn.initializers", f"{_OWN}.initializers"]
    if name.startswith("example_libraries.") or name in _HERE:
        return [f"{_OWN}.{name.rpartition('.')[2]}"]
    if name == "api_util":
        return [f"{_OWN}.linear_util"]
    name = name.removeprefix("_src.")
    return [f"gradcli.{name}"] if name in _SAME or name.startswith("scipy.") else []


@functools.cache
def modules() -> Standins:
    """Every module by its full name."""
    where.install_methods(earlier.METHODS)
    programs.install_names()
    own = _own_members()
    names = dict.fromkeys([
        *_SAME, *(f"scipy.{n}" for n in _SCIPY), *_LATER, *own, "example_libraries", "example_libraries.stax",
        "example_libraries.optimizers", "extend", "interpreters", "lib", "api_util", *_HERE, "version", "_src",
        "_src.lax",
        "_src.lib", "_src.lib.mlir", "_src.lib.mlir.dialects", "_src.lib.mlir.dialects.hlo", "_src.interpreters",
        "_src.compiler",
    ])  # fmt: skip
    names.pop("jax")
    later = {n: {**earlier.MEMBERS.get(n, {}), **_LATER.get(n, {})} for n in names | {"jax": None}}
    table: list[types.ModuleType] = [Standin("jax", ["gradcli.engine.api", "gradcli"], later["jax"], **_root_members())]
    table += [
        (_Lax if n in _PRIMITIVES else Standin)(f"jax.{n}", _sources(n), later[n], **own.get(n, {})) for n in names
    ]
    found = Standins(table)
    others = {f"_src.{name}": public for name, public in _PRIVATE.items()} | earlier.MODULES
    for name, public in others.items():
        dict.__setitem__(found, f"jax.{name}", found[f"jax.{public}" if public else "jax"])
    found["jax.version"].__dict__["__version__"] = VERSION
    return found
