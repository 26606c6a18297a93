"""Control flow as Python statements: calls written out, branches as ``if``, loops as ``while`` and ``for``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gradcli.engine.execute.emit_text import ATOM, Term, call, dtype_text, index, tuple_text
from gradcli.engine.ir.program import Eqn
from gradcli.engine.ir.types import ArrayType

if TYPE_CHECKING:
    from gradcli.engine.execute.emit_program import ProgramWriter

Statement = Callable[["ProgramWriter", Eqn], None]


def _call(key: str) -> Statement:
    """A call, written out."""

    def rule(writer: ProgramWriter, eqn: Eqn) -> None:
        program = eqn.params[key]
        writer.bind(program, eqn.inputs)
        writer.deliver(eqn.outputs, writer.program(program))

    return rule


def _linear_solve(writer: ProgramWriter, eqn: Eqn) -> None:
    """The program that solves; what the matrix-vector products need is not used."""
    lengths, program = eqn.params["const_lengths"], eqn.params["jaxprs"].solve
    before = lengths.matvec + lengths.vecmat
    consts = eqn.inputs[before : before + lengths.solve]
    writer.bind(program, [*consts, *eqn.inputs[sum(lengths) :]])
    writer.deliver(eqn.outputs, writer.program(program))


def _linear_call(writer: ProgramWriter, eqn: Eqn) -> None:
    """The function itself; what its transpose captured is not used."""
    n, m, _ = eqn.params["counts"]
    writer.bind(eqn.params["callee"], [*eqn.inputs[:n], *eqn.inputs[n + m :]])
    writer.deliver(eqn.outputs, writer.program(eqn.params["callee"]))


def _cond(writer: ProgramWriter, eqn: Eqn) -> None:
    which, *args = eqn.inputs
    branches = eqn.params["branches"]
    names = [writer.fresh("chosen") for _ in eqn.outputs]
    truth = writer.condition(which) if len(branches) == 2 else None
    given = writer.term(which).text if truth is None else ""
    kept = [writer.named(a) for a in args]
    last = len(branches) - 1
    order = list(range(len(branches))) if truth is None else [1, 0]
    for i, number in enumerate(order):
        test = truth.text if truth is not None else f"{given} <= {number}"
        head = f"if {test}:" if i == 0 and last else f"elif {test}:" if i < last else "else:" if last else "if True:"
        with writer.block(head):
            branch = branches[number]
            writer.bind(branch, kept)
            for name, out in zip(names, writer.program(branch), strict=True):
                writer.assign(name, writer.typed(out))
    writer.deliver(eqn.outputs, [Term(name, ATOM) for name in names])


def _start(writer: ProgramWriter, atoms: Sequence[object], word: str) -> list[str]:
    """Variables of their own for the values that a loop changes."""
    names = []
    for atom in atoms:
        text = writer.typed(atom).text  # type: ignore[arg-type]
        name = writer.fresh(word)
        writer.line(f"{name} = {text}")
        names.append(name)
    return names


def _while(writer: ProgramWriter, eqn: Eqn) -> None:
    p = eqn.params
    n_test, n_body = p["cond_nconsts"], p["body_nconsts"]
    consts = [writer.named(a) for a in eqn.inputs[: n_test + n_body]]
    names = _start(writer, eqn.inputs[n_test + n_body :], "value")
    carry = [Term(name, ATOM) for name in names]
    test, body = p["cond_jaxpr"], p["body_jaxpr"]
    with writer.aside() as lines:
        writer.bind(test, [*consts[:n_test], *carry])
        (condition,) = writer.program(test)
    plain = not lines
    with writer.block(f"while {condition.text}:" if plain else "while True:"):
        if not plain:
            writer.extend(lines)
            writer.line(f"if not {condition.at(ATOM)}:")
            writer.line("    break")
        writer.bind(body, [*consts[n_test:], *carry])
        writer.assign_all(names, writer.program(body))
    writer.deliver(eqn.outputs, carry)


def _scan(writer: ProgramWriter, eqn: Eqn) -> None:
    p = eqn.params
    body, n_consts, n_carry, length = p["jaxpr"], p["num_consts"], p["num_carry"], p["length"]
    consts = [writer.named(a) for a in eqn.inputs[:n_consts]]
    names = _start(writer, eqn.inputs[n_consts : n_consts + n_carry], "carry")
    xs = [writer.named(a) for a in eqn.inputs[n_consts + n_carry :]]
    ys = [_stack(writer, length, t) for t in body.out_types[n_carry:]]
    i = writer.fresh("i", first="")
    steps = f"reversed(range({length}))" if p["reverse"] else f"range({length})"
    with writer.block(f"for {i} in {steps}:"):
        slices = [index(writer.typed(x), i) for x in xs]
        writer.bind(body, [*consts, *(Term(name, ATOM) for name in names), *slices])
        outs = writer.program(body)
        for y, value in zip(ys, outs[n_carry:], strict=True):
            writer.line(f"{y}[{i}] = {value.text}")
        writer.assign_all(names, outs[:n_carry])
    writer.deliver(eqn.outputs, [Term(name, ATOM) for name in (*names, *ys)])


def _stack(writer: ProgramWriter, length: int, t: ArrayType) -> str:
    name = writer.fresh("stacked")
    dtype = () if t.dtype.name == "float64" else (dtype_text(t.dtype),)
    writer.line(f"{name} = {call('np.empty', tuple_text((length, *t.shape)), *dtype).text}")
    return name


STATEMENTS: dict[str, Statement] = {
    "jit": _call("jaxpr"), "remat2": _call("jaxpr"), "custom_jvp_call": _call("call_jaxpr"),
    "custom_vjp_call": _call("call_jaxpr"), "custom_vmap_call": _call("call"),
    "composite": _call("jaxpr"), "cond": _cond, "custom_linear_solve": _linear_solve, "linear_call": _linear_call,
    "while": _while, "scan": _scan,
}  # fmt: skip
