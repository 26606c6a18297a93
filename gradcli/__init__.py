"""gradcli: gradients on the command line, and the automatic differentiation engine behind it as a library.

The public functions are loaded when first used, so that ``import gradcli`` costs nothing:

>>> import gradcli
>>> print(gradcli.grad(lambda x: x * x)(3.0))
6.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcli.engine.api import ShapeDtypeStruct as ShapeDtypeStruct
    from gradcli.engine.api import check_grads as check_grads
    from gradcli.engine.api import custom_jvp as custom_jvp
    from gradcli.engine.api import custom_vjp as custom_vjp
    from gradcli.engine.api import eval_shape as eval_shape
    from gradcli.engine.api import grad as grad
    from gradcli.engine.api import hessian as hessian
    from gradcli.engine.api import jacfwd as jacfwd
    from gradcli.engine.api import jacobian as jacobian
    from gradcli.engine.api import jacrev as jacrev
    from gradcli.engine.api import jit as jit
    from gradcli.engine.api import jvp as jvp
    from gradcli.engine.api import linearize as linearize
    from gradcli.engine.api import make_jaxpr as make_jaxpr
    from gradcli.engine.api import pmap as pmap
    from gradcli.engine.api import stop_gradient as stop_gradient
    from gradcli.engine.api import value_and_grad as value_and_grad
    from gradcli.engine.api import vjp as vjp
    from gradcli.engine.api import vmap as vmap
    from gradcli.engine.array import Value as Array  # noqa: F401
    from gradcli.engine.callbacks import pure_callback as pure_callback
    from gradcli.engine.checkpoint import checkpoint as checkpoint
    from gradcli.engine.checkpoint import checkpoint as remat  # noqa: F401
    from gradcli.engine.checkpoint import checkpoint_policies as checkpoint_policies
    from gradcli.engine.functional import closure_convert as closure_convert
    from gradcli.engine.functional import custom_gradient as custom_gradient
    from gradcli.engine.functional import fwd_and_bwd as fwd_and_bwd
    from gradcli.engine.functional import linear_transpose as linear_transpose
    from gradcli.engine.functional import named_call as named_call
    from gradcli.engine.functional import named_scope as named_scope
    from gradcli.engine.refs import Ref as Ref
    from gradcli.engine.refs import freeze as freeze
    from gradcli.engine.refs import new_ref as new_ref

__version__ = "0.1.0"

_API = (
    "ShapeDtypeStruct", "check_grads", "custom_jvp", "custom_vjp", "eval_shape", "grad", "hessian", "jacfwd",
    "jacobian", "jacrev", "jit", "jvp", "linearize", "make_jaxpr", "pmap", "stop_gradient", "value_and_grad", "vjp",
    "vmap",
)  # fmt: skip
_MORE = {
    "Array": ("array", "Value"), "checkpoint": ("checkpoint", "checkpoint"), "remat": ("checkpoint", "checkpoint"),
    "checkpoint_policies": ("checkpoint", "checkpoint_policies"), "pure_callback": ("callbacks", "pure_callback"),
    "closure_convert": ("functional", "closure_convert"), "custom_gradient": ("functional", "custom_gradient"),
    "fwd_and_bwd": ("functional", "fwd_and_bwd"), "linear_transpose": ("functional", "linear_transpose"),
    "Ref": ("refs", "Ref"), "freeze": ("refs", "freeze"), "new_ref": ("refs", "new_ref"),
    "named_call": ("functional", "named_call"), "named_scope": ("functional", "named_scope"),
}  # fmt: skip
_MODULES = (
    "ad_checkpoint", "custom_batching", "custom_derivatives", "debug", "experimental", "flatten_util", "image", "lax",
    "nn", "numpy", "random", "ref", "scipy", "tree", "tree_util",
)  # fmt: skip

__all__ = ["__version__", *_API, *_MORE]


def __getattr__(name: str) -> Any:
    if name in _API:
        found = getattr(import_module("gradcli.engine.api"), name)
    elif name in _MORE:
        module, attribute = _MORE[name]
        found = getattr(import_module(f"gradcli.engine.{module}"), attribute)
    elif name in _MODULES:
        found = import_module(f"gradcli.{name}")
    else:
        raise AttributeError(f"module 'gradcli' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_API, *_MORE, *_MODULES})
