"""Modules under autograd's names over the engine: its operators, and NumPy as its ``autograd.numpy``.

Files written for autograd run as they are, without autograd; see :mod:`gradcli.compat.autogradnames`.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from gradcli.compat.autogradnames import operators
from gradcli.compat.autogradnames.operators import elementwise_grad as elementwise_grad
from gradcli.compat.autogradnames.operators import grad as grad
from gradcli.compat.autogradnames.operators import hessian as hessian
from gradcli.compat.autogradnames.operators import hessian_vector_product as hessian_vector_product
from gradcli.compat.autogradnames.operators import jacobian as jacobian
from gradcli.compat.autogradnames.operators import make_hvp as make_hvp
from gradcli.compat.autogradnames.operators import make_jvp as make_jvp
from gradcli.compat.autogradnames.operators import make_vjp as make_vjp
from gradcli.compat.autogradnames.operators import value_and_grad as value_and_grad
from gradcli.compat.autogradnames.values import install_names, plain
from gradcli.compat.lazy import MISSING, Standin, Standins
from gradcli.compat.plain import numpy_modules

VERSION = "1.9.1"
_OWN = "gradcli.compat.autogradnames"
egrad = elementwise_grad


class NumpyStandin(Standin):
    """Functions of gradcli that give NumPy's values back, where nothing is traced."""

    __slots__ = ()

    def _of_sources(self, name: str) -> Any:
        found = super()._of_sources(name)
        if found is MISSING:  # SciPy's own, for plain values
            scipy = import_module("gradcli.compat.scipys").modules()
            return getattr(scipy.get(self.__name__.removeprefix("autograd.")), name, MISSING)
        if isinstance(found, types.ModuleType):
            inner = NumpyStandin(f"{self.__name__}.{name}", [found.__name__])
            inner.__dict__["_gradcli_table"] = self.__dict__["_gradcli_table"]
            return inner
        return _plain_results(found) if callable(found) and not isinstance(found, type) else found


def _plain_results(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        return plain(function(*args, **kwargs))

    return run


class _Numpy(Standin):
    """``autograd.numpy`` and its modules: NumPy's, as files that import numpy get them."""

    __slots__ = ()

    def _behind(self) -> types.ModuleType:
        inner = self.__name__.removeprefix("autograd.")
        return numpy_modules()[inner if inner in ("numpy.linalg", "numpy.fft") else "numpy"]

    def _of_sources(self, name: str) -> Any:
        constants = import_module(f"{_OWN}.constants")
        if self._behind() is numpy_modules()["numpy"] and name in constants.NAMES:
            return constants.unboxed(name)
        return getattr(self._behind(), name, super()._of_sources(name))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(n for n in dir(self._behind()) if not n.startswith("_"))})


def _from(module: str, *names: str) -> dict[str, str]:
    return {n: f"{_OWN}.{module}:{n}" for n in names}


_OPERATORS = _from("operators", *operators.NAMES) | {"egrad": f"{_OWN}.operators:elementwise_grad"}
_RULES = _from(
    "extend", "def_linear", "defjvp", "defjvp_argnum", "defjvp_argnums", "defvjp", "defvjp_argnum", "defvjp_argnums",
    "notrace_primitive", "primitive", "register_notrace",
)  # fmt: skip
_SPACES = _from("vspace", "VSpace", "vspace")
_VALUES = _from("values", "Box", "getval", "isbox")
_CONTAINERS = _from("values", "Box") | _from("vspace", "ContainerVSpace") | _from(
    "util", "container_take", "make_sequence", "sequence_extend_left", "sequence_extend_right", "subvals",
)  # fmt: skip
_NODES = _from("tracing", "JVPNode", "Node", "VJPNode", "trace")
_SCIPY = ("special", "linalg", "signal", "stats", "integrate", "stats.norm", "stats.gamma", "stats.beta", "stats.t",
          "stats.chi2", "stats.poisson", "stats.dirichlet", "stats.multivariate_normal")  # fmt: skip


def _members() -> dict[str, dict[str, str]]:
    return {
        "autograd.core": _RULES | _SPACES | _VALUES | _NODES
        | {f"primitive_{n}": f"{_OWN}.extend:{n.upper()}" for n in ("jvps", "vjps")}
        | _from("util", "func", "subval", "sum_outgrads", "toposort") | {"primitive_": f"{_OWN}.extend:primitive"}
        | {"make_vjp": f"{_OWN}.operators:vjp_of", "make_jvp": f"{_OWN}.operators:jvp_of"},
        "autograd.differential_operators": _OPERATORS,
        "autograd.extend": _RULES | _SPACES | _from("values", "Box") | _from("tracing", "JVPNode", "VJPNode"),
        "autograd.misc": _from("misc", "flatten") | _from("tracing", "const_graph"),
        "autograd.misc.tracers": _from("tracing", "FullGraphNode", "Node", "const_graph", "full_graph", "trace")
        | _from("util", "subvals", "toposort", "wraps"),
        "autograd.misc.flatten": _from("misc", "flatten", "flatten_func"),
        "autograd.misc.optimizers": _from("misc", "adam", "rmsprop", "sgd", "unflatten_optimizer"),
        "autograd.misc.fixed_points": _from("misc", "fixed_point"),
        "autograd.numpy.numpy_vjps": _from("rules", *import_module(f"{_OWN}.rules").NAMES) | _from("extend", "defvjp"),
        "autograd.numpy.numpy_boxes": _from("values", "ArrayBox"),
        "autograd.numpy.numpy_vspaces": {
            "ArrayVSpace": f"{_OWN}.vspace:ArrayVSpace", "ComplexArrayVSpace": f"{_OWN}.vspace:ArrayVSpace",
        },
        "autograd.test_util": _from(
            "testing", "EPS", "RTOL", "TOL", "check_equivalent", "check_grads", "check_jvp", "check_vjp",
            "combo_check", "scalar_close",
        ),
        "autograd.tracer": _from("values", "Box", "getval", "isbox") | _from("tracing", "Node", "trace")
        | _from("util", "subvals", "toposort", "wraps")
        | _from("extend", "notrace_primitive", "primitive", "register_notrace"),
        "autograd.util": _from("util", "func", "quick_grad_check", "subval", "subvals", "toposort"),
        "autograd.wrap_util": _from("operators", "unary_to_nary")
        | _from("util", "get_doc", "get_name", "subvals", "wraps"),
    }  # fmt: skip


@functools.cache
def modules() -> Standins:
    """Every module by its full name."""
    install_names()
    builtin: dict[str, Any] = import_module(f"{_OWN}.misc").BUILTINS
    numpy_names = _from("numpynames", *import_module(f"{_OWN}.numpynames").NAMES)
    usual = {n: builtin[n] for n in ("dict", "isinstance", "list", "tuple", "type")}
    table: list[types.ModuleType] = [
        Standin("autograd", (), _OPERATORS | _from("extend", "primitive"), **usual, __version__=VERSION),
        Standin("autograd.builtins", (), _SPACES | _RULES | _CONTAINERS, **builtin),
        _Numpy("autograd.numpy", (), numpy_names, __version__=np.__version__),
        _Numpy("autograd.numpy.numpy_wrapper", (), numpy_names, __version__=np.__version__),
        _Numpy("autograd.numpy.fft"),
        _Numpy("autograd.numpy.linalg", (), {"T": f"{_OWN}.numpynames:transposed", "_dot": f"{_OWN}.numpynames:dot"}),
        *(Standin(name, (), later) for name, later in _members().items()),
        Standin("autograd.scipy"),
    ]
    normal = {n: f"{_OWN}.stats:normal_{n}" for n in ("entropy", "logpdf", "pdf")}
    extra = {
        "integrate": _from("ode", "odeint"), "signal": _from("signal", "convolve"), "stats.multivariate_normal": normal,
        "stats.t": {n: f"{_OWN}.stats:t_{n}" for n in ("cdf", "logcdf")},
        "stats.dirichlet": {"rvs": f"{_OWN}.stats:dirichlet_rvs"}, "linalg": _from("banded", "solve_banded"),
        "special": _from("special", *"erf erfc erfcinv iv ive j0 j1 jn jv rgamma y0 y1 yn".split()),
    }  # fmt: skip
    table += [NumpyStandin(f"autograd.scipy.{n}", [f"gradcli.scipy.{n}"], extra.get(n)) for n in _SCIPY]
    found = Standins(table)
    found["autograd.numpy.random"] = np.random
    return found
