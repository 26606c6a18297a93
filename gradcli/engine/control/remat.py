"""``remat2``: a program whose intermediate values are computed again in reverse mode instead of being kept.

Of what the linear half of the program needs, only inputs and what a policy chooses are kept; the rest is computed
again, inside one equation, from those (A. Griewank and A. Walther, *Algorithm 799: revolve*, ACM TOMS 26, 2000).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.control.call import call_types
from gradcli.engine.control.common import pick, split_list, spread
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal, Var
from gradcli.engine.ops.define import Primitive, is_linear
from gradcli.engine.ops.families import ALL, same_type
from gradcli.engine.ops.shape import moveaxis
from gradcli.engine.trace.tracer import bind, trace_closed
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.dce import dce_jaxpr
from gradcli.engine.transforms.jvp import jvp_jaxpr
from gradcli.engine.transforms.linearize import SplitJaxpr, linearize_jaxpr
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.transforms.transpose import transpose_jaxpr

Policy = Callable[..., Any] | None


# --- names ------------------------------------------------------------------------------------------------------------


def named(x: Any, name: str) -> Any:
    """The value itself, as the result of an equation that a policy knows by its name."""
    return bind(name_p, x, name=name)


name_p = Primitive(
    "name",
    type_rule=lambda x, name: same_type("name", ALL)(x),
    impl=lambda x, name: x,
    jvp=lambda primals, tangents, name: (named(primals[0], name), tangents[0]),
    batch=lambda size, args, dims, name: (named(args[0], name), dims[0]),
    family="control",
)


# --- the split between what is kept and what is computed again ----------------------------------------------------


def _chosen(eqn: Eqn, policy: Policy) -> bool:
    if policy is None:
        return False
    answer = policy(eqn.primitive, *[a.type for a in eqn.inputs], **eqn.params)
    return bool(answer) if not hasattr(answer, "saveable") else bool(answer.saveable)


def inlined(jaxpr: Jaxpr) -> Jaxpr:
    """The program with the programs of its calls written out, so that a policy sees every equation."""
    if not any(eqn.primitive.name == "jit" for eqn in jaxpr.eqns):
        return jaxpr

    def run(*args: Any) -> list[Any]:
        env: dict[Any, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
        env.update(zip(jaxpr.inputs, args, strict=True))

        def read(atom: Any) -> Any:
            return atom if isinstance(atom, Literal) else env[atom]

        for eqn in jaxpr.eqns:
            values = [read(a) for a in eqn.inputs]
            if eqn.primitive.name == "jit":
                out = evaluate_jaxpr(inlined(eqn.params["jaxpr"]), values)
            else:
                out = evaluate_jaxpr(_alone(eqn), values)
            env.update(zip(eqn.outputs, out, strict=True))
        return [read(a) for a in jaxpr.outputs]

    return trace_closed(run, jaxpr.in_types, jaxpr.name)


def _alone(eqn: Eqn) -> Jaxpr:
    """A program of one equation."""
    inputs = tuple(Var(a.type) for a in eqn.inputs)
    again = Eqn(eqn.primitive, inputs, eqn.params, eqn.outputs, eqn.source)
    return Jaxpr(inputs, (again,), tuple(eqn.outputs))


def split_by_policy(jaxpr: Jaxpr, split: SplitJaxpr, policy: Policy) -> tuple[Jaxpr, Jaxpr, list[int]]:
    """What runs at once, and what runs in reverse mode.

    Returns inputs -> outputs and the values that are kept; (used inputs, kept values) -> the linear program's
    residuals; and which inputs those are.
    """
    known, n = split.known, len(jaxpr.outputs)
    residuals = list(split.residuals(known.inputs, known.outputs[n:]))
    chosen = {v for eqn in known.eqns if _chosen(eqn, policy) for v in eqn.outputs}
    needed: set[Any] = set(residuals)
    later = []
    for eqn in reversed(known.eqns):
        if any(v in needed and v not in chosen for v in eqn.outputs):
            later.append(eqn)
            needed.update(a for a in eqn.inputs if isinstance(a, Var))
    kept = [v for eqn in known.eqns for v in eqn.outputs if v in needed and v in chosen]
    used = [i for i, v in enumerate(known.inputs) if v in needed]
    first = Jaxpr(
        known.inputs, known.eqns, (*known.outputs[:n], *kept), known.constvars, known.consts, known.notes, known.name
    )
    again = Jaxpr(
        (*(known.inputs[i] for i in used), *kept), tuple(reversed(later)), tuple(residuals),
        known.constvars, known.consts, name=known.name,
    )  # fmt: skip
    return dce_jaxpr(first), again, used


def _linearize(
    primals: Sequence[Any], tangents: Sequence[Any], jaxpr: Jaxpr, policy: Policy, **params: Any
) -> tuple[list[Any], list[Any]]:
    active = [t is not None for t in tangents]
    jaxpr = inlined(jaxpr) if policy is not None else jaxpr
    split = linearize_jaxpr(jaxpr, active)
    first, again, used = split_by_policy(jaxpr, split, policy)
    outs, kept = split_list(evaluate_jaxpr(first, primals), len(jaxpr.outputs))
    if not any(split.out_active):
        return outs, [None] * len(outs)
    n = len(again.inputs)

    def both(*args: Any) -> list[Any]:
        return evaluate_jaxpr(split.linear, [*evaluate_jaxpr(again, args[:n]), *args[n:]])

    dot_types = [v.type for v in split.linear.inputs[len(again.outputs) :]]
    program = trace_closed(both, [*again.in_types, *dot_types], jaxpr.name)
    dots = bind(
        remat_p, *(primals[i] for i in used), *kept, *pick(tangents, active),
        jaxpr=program, policy=policy, **{**params, "differentiated": True},
    )  # fmt: skip
    return outs, spread(dots, split.out_active)


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], jaxpr: Jaxpr, **params: Any) -> tuple[list[Any], list[Any]]:
    active = [t is not None for t in tangents]
    program, out_active = jvp_jaxpr(jaxpr, active)
    out = bind(remat_p, *primals, *pick(tangents, active), jaxpr=program, **params)
    outs, dots = split_list(out, len(jaxpr.outputs))
    return outs, spread(dots, out_active)


def _transpose(cts: Sequence[Any], *args: Any, jaxpr: Jaxpr, **params: Any) -> list[Any]:
    linear = [is_linear(a) for a in args]
    has_ct = [ct is not None for ct in cts]
    program, nonzero = transpose_jaxpr(jaxpr, linear, has_ct)
    out = bind(remat_p, *(a for a in args if not is_linear(a)), *pick(cts, has_ct), jaxpr=program, **params)
    return spread(spread(out, nonzero), linear)


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], jaxpr: Jaxpr, **params: Any) -> Any:
    program, out_batched = batch_jaxpr(jaxpr, size, [d is not None for d in dims])
    moved = [x if d is None else moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    return bind(remat_p, *moved, jaxpr=program, **params), [0 if b else None for b in out_batched]


remat_p = Primitive(
    "remat2",
    type_rule=call_types,
    impl=lambda *args, jaxpr, **params: interpret(jaxpr, args),
    jvp=_jvp,
    linearize=_linearize,
    transpose=_transpose,
    batch=_batch,
    multiple=True,
    family="control",
)
