"""Scripts written for autograd run under its names as they are; what they compute is what autograd computes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compat_names.running import assert_same, real, standin

SCRIPTS = sorted((Path(__file__).parent / "programs" / "autograd").glob("*.py"))
IDS = [s.stem for s in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_script_runs_and_its_own_assertions_hold(script: Path) -> None:
    np.random.seed(0)
    module = standin(script.read_text(), "float64")
    assert module["result"], "the script has no result"


@pytest.mark.oracle
@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_results_are_those_of_autograd(script: Path) -> None:
    pytest.importorskip("autograd")
    pytest.importorskip("scipy")
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # autograd's, about NumPy
        expected: dict[str, Any] = real(script.read_text())["result"]
    found = standin(script.read_text(), "float64")["result"]
    for key in expected:
        assert_same(found[key], expected[key], rtol=2e-6, atol=1e-8, where=key)
