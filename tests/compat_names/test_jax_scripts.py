"""Scripts written for JAX run under its names as they are; what they compute is what JAX computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.compat_names.running import assert_same, real, standin

SCRIPTS = sorted((Path(__file__).parent / "programs" / "jax").glob("*.py"))
IDS = [s.stem for s in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_script_runs_and_its_own_assertions_hold(script: Path) -> None:
    module = standin(script.read_text())
    assert module["result"], "the script has no result"


@pytest.mark.oracle
@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_results_are_those_of_jax(script: Path) -> None:
    pytest.importorskip("jax")
    expected: dict[str, Any] = real(script.read_text())["result"]
    found = standin(script.read_text())["result"]
    for key in expected:
        assert_same(found[key], expected[key], rtol=2e-5, atol=2e-6, where=key)


@pytest.mark.parametrize("call", ["jax.sharding.Mesh([0], 'i')", "jax.shard_map(abs)", "jax.make_mesh((1,), ('i',))"])
def test_what_needs_several_devices_is_refused_in_one_line(call: str) -> None:
    with pytest.raises(NotImplementedError, match="does not support jax.*one device") as caught:
        standin(f"import jax\nimport jax.sharding\n{call}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("use", ["jnp.zeros(3, jnp.int4)", "jnp.arange(3).astype(jnp.int4)", "jnp.int4(1)"])
def test_a_dtype_that_numpy_has_not_is_refused_where_an_array_is_to_have_it(use: str) -> None:
    with pytest.raises(TypeError, match="gradcli has no int4"):
        standin(f"import jax.numpy as jnp\n{use}")
