"""Programs compiled to Python functions: on plain numbers first, on NumPy scalars where plain numbers raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.execute.plain import RAISED, is_plain
from gradcli.engine.execute.writer import Writer
from gradcli.engine.ir.program import Jaxpr, sub_jaxprs
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.blas import LARGE, OneThread, on_one_thread
from gradcli.engine.ops.dot import multiplications
from gradcli.engine.transforms.dce import has_effect
from gradcli.engine.transforms.narrow import widened
from gradcli.engine.transforms.scalarize import scalarize
from gradcli.engine.transforms.simplify import simplify

Function = Callable[..., Any]
PATIENCE = 8  # how often plain numbers may raise before they are no longer tried


class Compiled:
    """A program as a function of NumPy values, which may be Python numbers where its inputs are plain.

    ``plain_inputs`` says which inputs of :attr:`quick` are Python numbers; ``only_plain``: there is nothing else in it.
    ``out_types``: of the arrays that its outputs stand for.
    """

    def __init__(self, jaxpr: Jaxpr, out_types: Sequence[ArrayType] | None = None) -> None:
        self.jaxpr, self.out_types = jaxpr, jaxpr.out_types if out_types is None else out_types
        self.plain_inputs = tuple(is_plain(t) for t in jaxpr.in_types)
        self._makers = tuple(t.dtype.type if is_plain(t) else None for t in jaxpr.out_types)
        self.only_plain = all(self.plain_inputs) and all(is_plain(v.type) for e in jaxpr.eqns for v in e.outputs)
        self._patience = PATIENCE
        self.may_be_quick = not any(has_effect(eqn) for eqn in jaxpr.eqns)

    @cached_property
    def quick(self) -> Function:
        """The function with plain numbers; it raises where they do."""
        return function_of(self.jaxpr, True)

    @cached_property
    def on_values(self) -> Function:
        """:attr:`quick` on values: Python's floats, NumPy's values and arrays of the engine in, arrays out."""
        program = self.quick if self.only_plain else self._silent(self.quick)
        scope: dict[str, Any] = {"program": program, "Array": Array}
        takes, gives = [], []
        for i, plain in enumerate(self.plain_inputs):
            x = f"x{i}"
            value = f"({x}.value if type({x}) is Array else {x})"
            takes.append(f"{x} if type({x}) is float else {value}.item()" if plain else value)
        for i, (make, t) in enumerate(zip(self._makers, self.out_types, strict=True)):
            scope |= {f"t{i}": t, f"m{i}": make}
            gives.append(f"Array({f'y{i}' if make is None else f'm{i}(y{i})'}, t{i}),")
        names = [f"x{i}" for i in range(len(takes))]
        outs = f"[{', '.join(f'y{i}' for i in range(len(gives)))}]"
        run, result = f"{outs} = program({', '.join(takes)})", f"return ({' '.join(gives)})"
        exec("\n    ".join([f"def call({', '.join(names)}):", run, result]), scope)
        call: Function = scope["call"]
        return call

    @cached_property
    def careful(self) -> Function:
        """The function on NumPy values throughout."""
        return function_of(self.jaxpr, False)

    def __call__(self, args: Sequence[Any]) -> list[Any]:
        """Outputs as NumPy values, for values without tracers."""
        if self.may_be_quick:
            if self.only_plain:
                given = [x if type(x) is float else raw(x).item() for x in args]
            else:
                given = [raw(x).item() if p else raw(x) for x, p in zip(args, self.plain_inputs, strict=True)]
            try:
                if self.only_plain:  # Python's numbers know no floating-point warnings
                    outs = self.quick(*given)
                else:
                    outs = self._silent(self.quick)(*given)
            except RAISED:
                self._patience -= 1  # where it happens again and again, the careful way is the shorter one
                self.may_be_quick = self._patience > 0
            else:
                return [x if make is None else make(x) for x, make in zip(outs, self._makers, strict=True)]
        return list(self._silent(self.careful)(*map(raw, args)))

    def _silent(self, function: Function) -> Function:
        """The function without floating-point warnings, and on one thread if its products are small."""
        if self._alone:

            def run(*args: Any) -> Any:
                with np.errstate(all="ignore"), OneThread():
                    return function(*args)

        else:

            def run(*args: Any) -> Any:
                with np.errstate(all="ignore"):
                    return function(*args)

        return run

    @cached_property
    def _alone(self) -> bool:
        """Whether there are products for which OpenBLAS would start threads, and all are too small for that to pay."""
        sizes = list(_product_sizes(self.jaxpr))
        return any(map(on_one_thread, sizes)) and max(sizes) <= LARGE


def _product_sizes(jaxpr: Jaxpr) -> Iterator[int]:
    """The multiplications of each product and of each factorisation in a program."""
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "dot_general":
            lhs, rhs = (a.type for a in eqn.inputs)
            yield multiplications(lhs, rhs, eqn.params["dimension_numbers"])
        elif eqn.primitive.family == "linalg":
            yield max(max(a.type.shape[-2:], default=0) ** 3 for a in eqn.inputs)
        for _, inside in sub_jaxprs(eqn.params):
            yield from _product_sizes(inside)


def compile_program(jaxpr: Jaxpr) -> Compiled:
    """The program simplified and compiled; the rest happens when it is first called."""
    simple = simplify(widened(jaxpr), inline=True)
    by_elements = scalarize(simple)
    return Compiled(simple if by_elements is simple else simplify(by_elements, inline=True), jaxpr.out_types)


def function_of(jaxpr: Jaxpr, plain: bool, name: str = "program") -> Function:
    """The compiled function of one writing; returns a tuple."""
    writer = Writer(plain)
    parameters = [writer.fresh("x") for _ in jaxpr.inputs]
    outs = writer.program(jaxpr, parameters, whole=True)
    head = f"def {name}({', '.join(parameters)}):"
    tail = f"    return ({''.join(text + ', ' for text in outs)})"
    exec("\n".join([head, *writer.lines, tail]), writer.scope)
    function: Function = writer.scope[name]
    return function
