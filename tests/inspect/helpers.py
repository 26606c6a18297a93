"""Problems made from Python functions, as the command line makes them from files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from gradcli.compat import protocols
from gradcli.inspect.problem import Problem, Request, problem_of
from gradcli.sources.target import Parameter, Target

_ = protocols


def target(f: Callable[..., Any], **examples: Any) -> Target:
    parameters = tuple(Parameter(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values())
    return Target(f"test.py:{f.__name__}", f, f.__name__, parameters, examples)


def problem(f: Callable[..., Any], wrt: tuple[str, ...] | None = None, **given: Any) -> Problem:
    return problem_of(target(f), Request(given, wrt))
