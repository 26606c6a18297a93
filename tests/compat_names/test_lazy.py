"""Stand-ins look their members up when they are used, and say what is nearest to a name that they lack."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from gradcli.compat.autograd import modules as autograd_modules
from gradcli.compat.jax import modules as jax_modules
from gradcli.compat.lazy import Standin, Standins, has, nearest
from gradcli.engine.settings import override
from tests.compat_names.running import standin

ag, jx = autograd_modules(), jax_modules()


def test_a_missing_name_is_missing_alone() -> None:
    with pytest.raises(AttributeError, match=r"jax\.numpy\.sinn; the nearest name that it has is jax\.numpy\.sin"):
        _ = jx["jax.numpy"].sinn
    assert has(jx["jax.numpy"], "sin") and not has(jx["jax.numpy"], "sinn")
    assert nearest(jx["jax"], "value_and_gard") == "value_and_grad"
    with pytest.raises(ImportError, match="tree_mop"):
        standin("from jax import tree_mop")
    assert standin("import jax.scipy.special as s\nresult = s.erf(0.0)")["result"] == 0.0


def test_what_is_added_to_a_module_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    home = types.ModuleType("gradcli_later")
    home.__dict__.update(__all__=["first"], first=1, hidden=2)
    monkeypatch.setitem(sys.modules, "gradcli_later", home)
    table = Standins([Standin("lib", ["gradcli_later", "gradcli_not_yet"]), Standin("lib.inner")])
    lib = table["lib"]
    assert lib.first == 1 and dir(lib) == ["first", "inner"] and not has(lib, "hidden")
    home.__dict__.update(__all__=["first", "second"], second=3)
    assert lib.second == 3 and lib.inner is table["lib.inner"]


def test_modules_inside_of_modules_are_found_when_asked_for() -> None:
    assert "jax.scipy.stats.norm" in jx and "jax.scipy.stats.nothing" not in jx
    assert jx["jax.scipy.stats.norm"] is jx["jax.scipy.stats"].norm
    assert standin("import jax.scipy.stats.norm as n\nresult = n.pdf(0.0)")["result"] > 0.39
    assert type(ag["autograd.scipy.stats.norm"].logpdf(0.0)) is np.float64


def test_autograd_warns_of_results_that_do_not_depend_on_their_argument() -> None:
    with pytest.warns(UserWarning, match="independent of input"):
        assert ag["autograd"].grad(lambda x: 3.0)(1.0) == 0.0
    with pytest.raises(TypeError, match="scalar-output"):
        ag["autograd"].grad(lambda x: x)(np.ones(2))


def test_gradients_keep_the_order_and_kind_of_containers() -> None:
    found = ag["autograd"].grad(lambda p: np.sum(p["b"] ** 2) + p["a"][0])({"b": np.ones(2), "a": [1.0, 2.0]})
    assert list(found) == ["b", "a"] and type(found["a"]) is list and found["b"].flags.writeable
    by_name = ag["autograd"].multigrad_dict(lambda x, y=2.0: x * y)(3.0)
    assert by_name == OrderedDict(x=2.0, y=3.0)


def test_old_ways_to_define_gradients() -> None:
    primitive = ag["autograd"].primitive
    cube = primitive(lambda x: x**3)
    cube.defvjp(lambda g, ans, vs, gvs, x: g * 3 * x**2)
    other = primitive(lambda x, n: x**n)
    other.defgrad(lambda ans, x, n: lambda g: g * n * x ** (n - 1))
    other.defvjp_is_zero(argnums=(1,))
    grad = ag["autograd"].grad
    assert grad(cube)(2.0) == 12.0 and grad(grad(cube))(2.0) == 12.0 and grad(other, (0, 1))(2.0, 3.0) == (12.0, 0.0)
    with pytest.raises(TypeError, match="@primitive"):
        ag["autograd.extend"].defvjp(np.sin, lambda ans, x: lambda g: g)


def test_user_primitives_say_what_they_lack() -> None:
    primitive: Any = jx["jax.extend.core"].Primitive("half_done")
    with pytest.raises(NotImplementedError, match="half_done.*implementation"):
        primitive.bind(1.0)
    jit = jx["jax"].jit(primitive.bind)
    with pytest.raises(NotImplementedError, match="half_done.*type"):
        jit(1.0)
    primitive.def_abstract_eval(lambda x: x)
    primitive.def_impl(lambda x: x / 2)
    assert primitive.bind(1.0) == 0.5
    for _ in range(2):
        with pytest.raises(NotImplementedError, match="translation rule for primitive 'half_done'"):
            jit(1.0)
    mlir = jx["jax.interpreters.mlir"]
    mlir.register_lowering(primitive, mlir.lower_fun(lambda x: x / 2, multiple_results=False))
    assert jit(1.0) == 0.5
    for transformed, table in ((jx["jax"].grad(primitive.bind), "jvps"), (jx["jax"].vmap(primitive.bind), "batchers")):
        with pytest.raises(NotImplementedError, match="half_done") as info:
            transformed(np.ones(2) if table == "batchers" else 1.0)
        assert type(info.value) is NotImplementedError and table in info.value.diagnostic.hint


def test_types_are_shown_as_under_jax() -> None:
    jax, core = jx["jax"], jx["jax.core"]
    with override(precision="float32"):
        aval = jax.typeof(1.0)
        assert repr(aval) == "ShapedArray(float32[], weak_type=True)" and str(aval) == "~float32[]"
        program = jax.make_jaxpr(jx["jax.numpy"].sin)(np.ones(3, np.float32))
    assert repr(program.in_avals) == "[ShapedArray(float32[3])]"
    assert str(program.eqns[0].outvars[0].aval) == "float32[3]"
    made = core.ShapedArray((3,), np.float32)
    assert made == program.out_avals[0] == program.out_types[0] and isinstance(program.out_types[0], core.ShapedArray)
    assert made.update(shape=()) != made and hash(made) == hash(made.update()) and made.str_short(True) == "f32[3]"


def test_the_environment_says_how_precise_a_file_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradcli.compat.jaxnames.config import first_precision

    assert first_precision() == "float32"
    monkeypatch.setenv("JAX_ENABLE_X64", "True")
    assert first_precision() == "float64"


def test_contexts_restore_options() -> None:
    jax = jx["jax"]
    with override(precision="float32"), jax.default_matmul_precision("highest"), jax.experimental.enable_x64():
        assert jax.config.jax_default_matmul_precision == "highest" and jax.config.jax_enable_x64
    assert jax.config.jax_default_matmul_precision is None and jax.config.values["jax_platforms"] == "cpu"
    assert jax.devices("cpu") == jax.local_devices()
    with pytest.raises(RuntimeError, match="gpu"):
        jax.devices("gpu")
