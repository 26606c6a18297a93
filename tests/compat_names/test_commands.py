"""What exec, doctor and ops --names rest on, and stand-ins for a whole process."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gradcli.compat
from gradcli.engine.errors import GradcliError
from gradcli.engine.settings import override, settings
from gradcli.inspect.doctor import _uses, doctor_of, names_result
from gradcli.inspect.names import LISTS, public_names, support
from gradcli.inspect.scripts import run_script


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import jax.numpy as jnp\njnp.linalg.norm(x).T", ["jax.numpy", "jax.numpy.linalg.norm"]),
        ("from jax import lax\nlax.scan.foo", ["jax", "jax.lax", "jax.lax.scan"]),
        ("import jax\njax.config.update('a', 1)", ["jax", "jax.config"]),
        ("import numpy as np\ndef f(np):\n    return np.nothing", ["numpy"]),
        ("import jax.scipy.stats\njax.scipy.stats.norm.pdf(0)", ["jax.scipy.stats", "jax.scipy.stats.norm.pdf"]),
        ("from . import x\nimport os\nos.path.join()", ["os", "os.path"]),
        ("from autograd.numpy import *", ["autograd.numpy"]),
    ],
)
def test_uses_are_full_names_as_far_as_modules_reach(source: str, names: list[str]) -> None:
    assert [name for name, _ in _uses(ast.parse(source))] == names


@pytest.mark.parametrize(
    ("name", "status", "nearest"),
    [
        ("jax.numpy.einsum", "yes", None),
        ("jax.numpy.einsumm", "no", "jax.numpy.einsum"),
        ("jax.nowhere", "no", None),
        ("jax.lax.sin_p", "yes", None),
        ("jax.experimental.ode.odeint", "yes", None),
        ("autograd.numpy.linalg.norm", "yes", None),
        ("autograd.grad", "yes", None),
        ("numpy", "yes", None),
        ("numpy.where", "yes", None),
        ("numpy.savetxt", "plain", None),
        ("numpy.random.default_rng", "yes", None),
        ("numpy.whre", "no", "numpy.where"),
        ("math.factorial", "plain", None),
        ("math.sinn", "no", "math.sin"),
        ("math.pi", "yes", None),
    ],
)
def test_support_of_a_name(name: str, status: str, nearest: str | None) -> None:
    found = support(name)
    assert found.status == status
    if nearest is not None:
        assert found.nearest == nearest


@pytest.mark.parametrize("library", LISTS)
def test_lists_are_sorted_full_names_and_most_of_them_are_here(library: str) -> None:
    version, names = public_names(library)
    assert version.split()[0] == library and names == sorted(set(names))
    assert all(n.startswith(library + ".") for n in names)
    rows = names_result(library).names
    assert sum(r.status == "yes" for r in rows) > 0.75 * len(rows)


def test_numbers_of_the_summary_are_those_of_the_rows() -> None:
    result = names_result("jax", "jax.numpy.")
    yes = [r for r in result.names if r.status == "yes"]
    assert f"{len(yes)} of {len(result.names)} names" in result.summary
    with pytest.raises(GradcliError, match="torch"):
        names_result("torch")


def test_doctor_does_not_run_the_file(tmp_path: Path) -> None:
    file = tmp_path / "f.py"
    file.write_text("import jax, helper, nowhere_to_be_found\nraise SystemExit(9)\n")
    (tmp_path / "helper.py").write_text("")
    result = doctor_of(str(file), io.StringIO())
    assert [(r.name, r.status) for r in result.names] == [("jax", "yes"), ("nowhere_to_be_found", "not installed")]
    assert result.missing == 1


def _run(tmp_path: Path, source: str, *args: str, whole: bool = False) -> tuple[int, str]:
    script, said = tmp_path / "s.py", io.StringIO()
    script.write_text(source)
    return run_script(str(script), args, io.StringIO(), said, whole), said.getvalue()


def test_a_script_is_main_and_sees_its_arguments(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "helper.py").write_text("import jax.numpy as jnp\nthree = jnp.float32(3)\n")
    source = "import sys, jax, helper\nprint(__name__, sys.argv[1:], jax.grad(lambda x: x * x)(helper.three))\n"
    before = sys.argv, sys.modules["__main__"]
    assert _run(tmp_path, source, "--x", "1") == (0, "")
    assert capsys.readouterr().out == "__main__ ['--x', '1'] 6.0\n"
    assert (sys.argv, sys.modules["__main__"]) == before


@pytest.mark.parametrize(
    ("ending", "status", "said"),
    [("sys.exit()", 0, ""), ("sys.exit(3)", 3, ""), ("sys.exit('no')", 1, "no\n")],
)
def test_a_script_s_exit_is_the_status(tmp_path: Path, ending: str, status: int, said: str) -> None:
    assert _run(tmp_path, f"import sys\n{ending}\n") == (status, said)


def test_a_traceback_has_the_user_s_lines_alone(tmp_path: Path) -> None:
    source = "import jax\ndef f(x):\n    return x.nothing\njax.jit(f)(1.0)\n"
    status, said = _run(tmp_path, source)
    assert status == 1 and "return x.nothing" in said and "jax.jit(f)(1.0)" in said
    assert "gradcli" not in said.split("AttributeError")[0].replace(str(tmp_path), "")
    assert "engine" in _run(tmp_path, source, whole=True)[1]


@pytest.mark.parametrize(("importing", "dtype"), [("jax", "float32"), ("autograd", "float64")])
def test_precision_is_the_library_s(tmp_path: Path, importing: str, dtype: str, capsys: Any) -> None:
    source = f"import {importing}, gradcli\nprint(gradcli.numpy.ones(1).dtype)\n"
    assert _run(tmp_path, source)[0] == 0 and capsys.readouterr().out == f"{dtype}\n"


@pytest.mark.parametrize(
    ("first", "last", "dtypes"),
    [
        ("import jax.numpy as jnp", "", "float32 float32"),
        (
            "import jax.numpy as jnp\nimport jax\njax.config.update('jax_enable_x64', True)",
            "import jax",
            "float64 float64",
        ),
        ("import autograd.numpy as jnp", "", "float64 float64"),
    ],
)
def test_precision_is_what_a_module_beside_the_script_asks_for(
    tmp_path: Path, first: str, last: str, dtypes: str, capsys: Any
) -> None:
    (tmp_path / "beside.py").write_text(f"{first}\none = jnp.ones(1)\n")
    source = f"import beside\n{last}\nprint(beside.one.dtype, beside.jnp.ones(1).dtype)\n"
    assert _run(tmp_path, source) == (0, "") and capsys.readouterr().out == f"{dtypes}\n"
    assert settings().precision == "float64"


INSTALLED = """
import sys, types
fake = sys.modules["jax"] = types.ModuleType("jax")
import gradcli.compat
gradcli.compat.install("jax", "autograd")
import jax, jax.numpy as jnp, jax.scipy.stats.norm as norm
from jax.example_libraries import stax
from autograd import grad
from autograd.misc.flatten import flatten_func
assert jax is not fake and jnp.ones(1).dtype == "float32" and jnp.exp(norm.logpdf(0.0)) < 0.4 and grad(lambda x: x)(1.0)
try:
    import jax.nowhere
except ImportError as error:
    assert "jax.nowhere" in str(error)
else:
    raise AssertionError
gradcli.compat.uninstall()
assert sys.modules["jax"] is fake and "autograd" not in sys.modules and jnp.ones(1).dtype == "float64"
"""


def test_stand_ins_for_a_whole_process_come_and_go() -> None:
    done = subprocess.run([sys.executable, "-c", INSTALLED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_known_libraries_can_be_installed() -> None:
    with pytest.raises(ValueError, match="torch"):
        gradcli.compat.install("torch")
    with override(precision="float64"):
        gradcli.compat.uninstall("jax")
        assert settings().precision == "float64"
