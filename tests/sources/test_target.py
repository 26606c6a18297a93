"""Targets: which function is meant, how files are loaded, and what is said when they cannot be."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import grad
from gradcli.engine.array import raw
from gradcli.engine.errors import GradcliError
from gradcli.engine.settings import override, settings
from gradcli.sources.target import list_functions, load_target


def write(folder: Path, text: str, name: str = "file.py") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def code_of(call: Any) -> GradcliError:
    with pytest.raises(GradcliError) as info:
        call()
    return info.value


def test_the_only_public_function(tmp_path: Path) -> None:
    path = write(
        tmp_path, "from math import sin\ndef _helper(x):\n    return x\ndef thing(x, k=2):\n    return k * sin(x)\n"
    )
    target = load_target(path)
    assert target.name == "thing" and [p.name for p in target.parameters] == ["x", "k"] and target.kind == "file"
    np.testing.assert_allclose(float(grad(target.function)(0.5)), 2 * np.cos(0.5))


@pytest.mark.parametrize("preferred", ["f", "fun", "loss", "main"])
def test_preferred_names(tmp_path: Path, preferred: str) -> None:
    path = write(tmp_path, f"def other(x):\n    return x\ndef {preferred}(x):\n    return x * x\n")
    assert load_target(path).name == preferred
    assert load_target(path, function="other").name == "other"
    assert load_target(f"{path}:other").name == "other"


def test_ambiguous_and_unknown_names(tmp_path: Path) -> None:
    path = write(tmp_path, "def alpha(x):\n    return x\ndef beta(x):\n    return x\n")
    error = code_of(lambda: load_target(path)).diagnostic
    assert error.code == "G103" and "alpha, beta" in error.message
    error = code_of(lambda: load_target(f"{path}:alpa")).diagnostic
    assert error.code == "G105" and error.hint == "did you mean alpha?"
    assert code_of(lambda: load_target(write(tmp_path, "x = 1\n", "empty.py"))).diagnostic.code == "G103"
    assert code_of(lambda: load_target(f"{write(tmp_path, 'x = 1', 'n.py')}:x")).diagnostic.code == "G105"


def test_methods_dataclasses_and_decorated_functions(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "import jax\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Model:\n    k: float = 3.0\n    def energy(self, x):\n        return self.k * x * x\n"
        "    @staticmethod\n    def twice(x):\n        return 2.0 * x\n"
        "@jax.jit\ndef fast(x):\n    return x * x\n",
    )
    assert float(grad(load_target(f"{path}:Model.energy").function)(2.0)) == 12.0
    assert float(grad(load_target(f"{path}:Model.twice").function)(2.0)) == 2.0
    assert float(grad(load_target(path).function)(2.0)) == 4.0


def test_modules_beside_the_file_get_the_stand_ins_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        "import numpy as np\nimport jax.numpy as jnp\ndef act(x):\n    return jnp.tanh(np.sin(x))\n",
        "parts.py",
    )
    path = write(tmp_path, "from parts import act\ndef f(x):\n    import math\n    return act(x) * math.exp(x)\n")
    target = load_target(path)
    expected = (np.cos(0.3) / np.cosh(np.sin(0.3)) ** 2 + np.tanh(np.sin(0.3))) * np.exp(0.3)
    np.testing.assert_allclose(float(grad(target.function)(0.3)), expected)
    assert "parts" not in sys.modules


def test_an_importable_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pkg_for_gradcli").mkdir()
    write(tmp_path, "", "pkg_for_gradcli/__init__.py")
    write(tmp_path, "import numpy as np\ndef f(x):\n    return np.sin(x)\n", "pkg_for_gradcli/mod.py")
    monkeypatch.chdir(tmp_path)
    target = load_target("pkg_for_gradcli.mod:f")
    assert target.kind == "module" and float(grad(target.function)(0.0)) == 1.0
    assert code_of(lambda: load_target("no_such_module_here:f")).diagnostic.code == "G302"


def test_standard_input_and_expressions() -> None:
    target = load_target("-", stdin=io.StringIO("def f(x):\n    return x * x\n"))
    assert target.kind == "stdin" and float(grad(target.function)(3.0)) == 6.0
    expression = load_target(None, expression="x*y")
    assert expression.kind == "expression" and [p.name for p in expression.parameters] == ["x", "y"]


def test_precision_follows_jax(tmp_path: Path) -> None:
    plain = write(tmp_path, "def f(x):\n    return x\n", "a.py")
    single = write(tmp_path, "import jax.numpy as jnp\nA = jnp.ones(2)\ndef f(x):\n    return jnp.sum(A * x)\n", "b.py")
    double = write(
        tmp_path,
        "import jax\njax.config.update('jax_enable_x64', True)\nimport jax.numpy as jnp\ndef f(x):\n    return x\n",
        "c.py",
    )
    beside = write(tmp_path, "from b import f as g\ndef f(x):\n    return g(x)\n", "d.py")
    found = [load_target(p).precision for p in (plain, single, double, beside)]
    assert found == [None, "float32", "float64", "float32"]
    assert settings().precision == "float64"


def test_the_layout_of_random_bits_set_by_a_file_holds_for_its_functions(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "import jax\njax.config.update('jax_threefry_partitionable', False)\n"
        "def f(x):\n    return x * jax.random.normal(jax.random.PRNGKey(1234), (5,))[0]\n",
    )
    target = load_target(path)
    with override(precision="float32"):
        np.testing.assert_allclose(float(raw(target.function(1.0))), 0.9066547, rtol=1e-6)
    assert settings().prng_partitionable is True


def test_example_inputs(tmp_path: Path) -> None:
    path = write(tmp_path, "def f(x):\n    return x\nexample_inputs = {'x': 2.0}\n")
    assert load_target(path).example_inputs == {"x": 2.0}
    bad = write(tmp_path, "def f(x):\n    return x\nexample_inputs = 3\n", "bad.py")
    assert code_of(lambda: load_target(bad)).diagnostic.code == "G302"


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("def f(x:\n    return x\n", "is not valid Python", 1),
        ("import no_such_package_xyz\ndef f(x):\n    return x\n", "ModuleNotFoundError", 1),
        ("def f(x):\n    return x\nvalue = 1 / 0\n", "ZeroDivisionError", 3),
        (
            "import jax.numppy\ndef f(x):\n    return x\n",
            "does not provide jax.numppy; the nearest name that is: numpy",
            1,
        ),
        ("from jax import vmapp\ndef f(x):\n    return x\n", "does not provide jax.vmapp", 1),
    ],
)
def test_files_that_cannot_be_loaded(tmp_path: Path, source: str, message: str, line: int) -> None:
    diagnostic = code_of(lambda: load_target(write(tmp_path, source))).diagnostic
    assert diagnostic.code == "G302" and message in diagnostic.message
    assert diagnostic.location is not None and diagnostic.location.line == line


def test_files_that_do_not_exist(tmp_path: Path) -> None:
    write(tmp_path, "", "loss.py")
    diagnostic = code_of(lambda: load_target(str(tmp_path / "los.py"))).diagnostic
    assert diagnostic.code == "G301" and diagnostic.hint is not None and "loss.py" in diagnostic.hint


def test_no_exec_refuses_all_code(tmp_path: Path) -> None:
    path = write(tmp_path, "raise SystemExit('ran')\n")
    for text in (path, "os.path:join", "-"):
        diagnostic = code_of(lambda text=text: load_target(text, allow_exec=False, stdin=io.StringIO(""))).diagnostic
        assert diagnostic.code == "G307"
    assert load_target(None, expression="x*2", allow_exec=False).name == "expression"


def test_functions_are_listed_without_running_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'def f(x, k=2, *, m=[1]):\n    """First line.\n\n    More."""\n    return x\nraise SystemExit\n'
        "class C:\n    def g(self, y):\n        return y\ndef _hidden():\n    pass\n",
    )
    first, second = list_functions(path)
    assert (first.name, first.signature, first.doc, first.line) == ("f", "(x, k=2, *, m=[1])", "First line.", 1)
    assert first.defaults == {"k": "2", "m": "[1]"} and second.name == "C.g"


def test_custom_rules_are_no_candidates(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "import jax\n@jax.custom_jvp\ndef g(x):\n    return x * x\n"
        "@g.defjvp\ndef g_rule(primals, tangents):\n    return g(*primals), 5.0 * tangents[0]\n"
        "@jax.custom_vjp\ndef _h(x):\n    return x\ndef fwd(x):\n    return x, None\n_h.defvjp(fwd, fwd)\n",
    )
    target = load_target(f"{path}:g")
    assert float(grad(target.function)(1.0)) == 5.0
    only = write(tmp_path, Path(path).read_text().split("@jax.custom_vjp")[0], "only.py")
    assert load_target(only).name == "g"
