"""Solutions of equations, differentiated by the implicit function theorem instead of through the solver.

For f(x, p) = 0 the derivative x' solves (df/dx) x' = -(df/dp) p'; for A x = b it solves A x' = b' - A' x, and the
transposed map is a solve with the transposed matrix (P. Blondel et al., *Efficient and modular implicit
differentiation*, arXiv:2105.15183).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gradcli.engine.array import type_of
from gradcli.engine.control.common import filled, mismatch, split_list, spread, trace_tree
from gradcli.engine.control.custom import Rule, custom_jvp_call_p, with_inputs_between
from gradcli.engine.errors import fail
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.elementwise import neg, sub
from gradcli.engine.ops.shape import batch_to_front, zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.batch import batch_jaxpr
from gradcli.engine.transforms.jvp import jvp_values
from gradcli.engine.transforms.linearize import linearize_jaxpr
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.transforms.transpose import transpose_jaxpr
from gradcli.engine.tree import TreeDef, tree_flatten, tree_unflatten

Function = Callable[..., Any]


def _callable(jaxpr: Jaxpr, consts: Sequence[Any], tree: TreeDef) -> Function:
    """A program as a function of one pytree with a result of the same structure."""

    def run(x: Any) -> Any:
        leaves, found = tree_flatten(x)
        if found != tree:
            raise mismatch(f"expected a value of structure {tree}, got {found}")
        return tree_unflatten(tree, evaluate_jaxpr(jaxpr, [*consts, *leaves]))

    return run


def _trace_one(f: Function, leaves: Sequence[Any], tree: TreeDef, what: str) -> tuple[Jaxpr, tuple[Any, ...], TreeDef]:
    """A function of one pytree as a closed program, and what it captured."""
    _, args = tree_flatten((tree_unflatten(tree, leaves),))
    jaxpr, out_tree = trace_tree(f, args, [type_of(x).strong() for x in leaves], what)
    closed, consts = jaxpr.closed()
    return closed, consts, out_tree


def _same(out: TreeDef, tree: TreeDef, jaxpr: Jaxpr, leaves: Sequence[Any], what: str) -> None:
    shapes = [t.shape for t in jaxpr.out_types[: tree.num_leaves]]
    if out != tree or shapes != [type_of(x).shape for x in leaves]:
        raise mismatch(f"{what} must return the structure and shapes of its argument, {tree}, not {out}")


# --- roots ------------------------------------------------------------------------------------------------------------


def custom_root(
    f: Function, initial_guess: Any, solve: Function, tangent_solve: Function, has_aux: bool = False
) -> Any:
    """``solve(f, initial_guess)``, an x with f(x) = 0, whose derivative is that of the root itself.

    f: a function of a pytree with a result of its structure; it may use traced values from around it, and derivatives
    with respect to those are what is meant. solve(f, x0) returns the root (has_aux: and anything else).
    tangent_solve(g, y) solves g(x) = y for linear g. Raises TypeError (G209) where structures differ.

    >>> from gradcli import grad
    >>> def root(a):
    ...     newton = lambda f, x: x - f(x) / 3.0
    ...     return custom_root(lambda x: x * x - a, 1.5, lambda f, x: newton(f, newton(f, x)), lambda g, y: y / g(1.0))
    >>> abs(float(grad(root)(2.25)) - 1 / 3) < 1e-12
    True
    """
    leaves, tree = tree_flatten(initial_guess)
    jaxpr, consts, f_out = _trace_one(f, leaves, tree, "f")
    _same(f_out, tree, jaxpr, leaves, "the function of custom_root")

    def run(guess: Any) -> Any:
        return solve(f, guess)

    program, solve_consts, out_tree = _trace_one(run, leaves, tree, "solve")
    root_tree = out_tree.parts[0] if has_aux and len(out_tree.parts) == 2 else out_tree
    _same(root_tree, tree, program, leaves, "the solve of custom_root")
    tangent, tangent_consts = _trace_tangent(jaxpr, consts, leaves, tree, tangent_solve)
    counts = len(consts), len(solve_consts), len(tangent_consts)

    def rule(_: list[Any], primals: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any]]:
        params, around, captured, guess = split_list(primals, *counts)
        outs = _bind_root(program, rule, counts, [*params, *around, *captured, *guess])
        roots, aux = outs[: len(leaves)], outs[len(leaves) :]
        moving = [d if type_of(p).is_float else None for d, p in zip(tangents[: counts[0]], params, strict=True)]
        _, dots = jvp_values(jaxpr, [*params, *roots], [*moving, *[None] * len(roots)])
        if all(d is None for d in dots):
            return outs, [zeros(type_of(o).strong()) for o in outs]
        right = [zeros(type_of(r).strong()) if d is None else neg(d) for d, r in zip(dots, roots, strict=True)]
        solved = evaluate_jaxpr(tangent, [*captured, *params, *roots, *right])
        return outs, [*solved, *(zeros(type_of(a).strong()) for a in aux)]

    out = _bind_root(program, rule, counts, [*consts, *solve_consts, *tangent_consts, *leaves])
    return tree_unflatten(out_tree, out)


def _trace_tangent(
    jaxpr: Jaxpr, consts: Sequence[Any], leaves: Sequence[Any], tree: TreeDef, tangent_solve: Function
) -> tuple[Jaxpr, tuple[Any, ...]]:
    """``tangent_solve`` as a program of what f captured, the root and the right side; and what itself captured."""
    n = len(leaves)

    def solve(params: list[Any], roots: list[Any], right: Any) -> Any:
        split = linearize_jaxpr(jaxpr, [*[False] * len(consts), *[True] * n], [True] * n)
        _, computed = split_list(evaluate_jaxpr(split.known, [*params, *roots]), n)
        residuals = split.residuals([*params, *roots], computed)
        return tangent_solve(_callable(split.linear, residuals, tree), right)

    _, args = tree_flatten((list(consts), list(leaves), tree_unflatten(tree, leaves)))
    types = [type_of(x).strong() for x in (*consts, *leaves, *leaves)]
    traced, out_tree = trace_tree(solve, args, types, "tangent_solve")
    _same(out_tree, tree, traced, leaves, "tangent_solve")
    return traced.closed()


def _bind_root(program: Jaxpr, rule: Function, counts: tuple[int, int, int], args: Sequence[Any]) -> list[Any]:
    """The custom_jvp_call of a root, of what f, solve and tangent_solve captured, where solve needs its own alone."""
    n, m, k = counts
    jaxpr = with_inputs_between(program, m, [type_of(a) for a in args[n + m : n + m + k]])
    jaxpr = with_inputs_between(jaxpr, 0, [type_of(a) for a in args[:n]])
    out: list[Any] = bind(
        custom_jvp_call_p, *args, call_jaxpr=jaxpr, jvp=Rule(rule, "_root_jvp"), name="_custom_root",
        symbolic_zeros=False,
    )  # fmt: skip
    return out


# --- linear systems ---------------------------------------------------------------------------------------------------


class LinearSolve(NamedTuple):
    """One thing for each of the four functions of a linear system."""

    matvec: Any
    vecmat: Any
    solve: Any
    transpose_solve: Any

    def swapped(self) -> LinearSolve:
        """The same for the transposed system."""
        return LinearSolve(self.vecmat, self.matvec, self.transpose_solve, self.solve)


def custom_linear_solve(
    matvec: Function, b: Any, solve: Function, transpose_solve: Function | None = None, symmetric: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """``solve(matvec, b)``, an x with matvec(x) = b, differentiated as the solution of a linear system.

    matvec: a linear function of a pytree like ``b``; derivatives flow to what it captured. transpose_solve(vecmat, b)
    is needed for reverse mode unless ``symmetric``. Raises TypeError (G209) where structures differ.

    >>> from gradcli import grad
    >>> system = lambda a: custom_linear_solve(lambda x: a * x, 3.0, lambda f, b: b / a, lambda f, b: b / a)
    >>> print(grad(system)(2.0))
    -0.75
    """
    leaves, tree = tree_flatten(b)
    forward, forward_consts, out_tree = _trace_one(matvec, leaves, tree, "matvec")
    _same(out_tree, tree, forward, leaves, "matvec")

    def solving(f: Function, user: Function) -> Function:
        return lambda y: user(f, y)

    inverse, inverse_consts, x_tree = _trace_one(solving(matvec, solve), leaves, tree, "solve")
    root_tree = x_tree.parts[0] if has_aux and len(x_tree.parts) == 2 else x_tree
    _same(root_tree, tree, inverse, leaves, "the solve of custom_linear_solve")
    jaxprs, consts = LinearSolve(forward, None, inverse, None), LinearSolve(forward_consts, (), inverse_consts, ())
    if symmetric:
        jaxprs = LinearSolve(forward, forward, inverse, inverse)
        consts = LinearSolve(forward_consts, forward_consts, inverse_consts, inverse_consts)
    elif transpose_solve is not None:
        n = len(leaves)
        known = [False] * len(forward_consts)
        back, _ = transpose_jaxpr(forward, [*known, *[True] * n], [True] * n, instantiate=True)
        vecmat = _callable(back, forward_consts, tree)
        other, other_consts, _ = _trace_one(solving(vecmat, transpose_solve), leaves, tree, "transpose_solve")
        jaxprs = LinearSolve(forward, back, inverse, other)
        consts = LinearSolve(forward_consts, forward_consts, inverse_consts, other_consts)
    lengths = LinearSolve(*(len(c) for c in consts))
    flat = [c for part in consts for c in part]
    out = bind(custom_linear_solve_p, *flat, *leaves, const_lengths=lengths, jaxprs=jaxprs)
    return tree_unflatten(x_tree, out)


def _parts(args: Sequence[Any], lengths: LinearSolve) -> tuple[LinearSolve, list[Any]]:
    *consts, b = split_list(args, *lengths)
    return LinearSolve(*consts), b


def _type(*types: ArrayType, const_lengths: LinearSolve, jaxprs: LinearSolve) -> list[ArrayType]:
    return [t.strong() for t in jaxprs.solve.out_types]


def _impl(*args: Any, const_lengths: LinearSolve, jaxprs: LinearSolve) -> list[Any]:
    consts, b = _parts(args, const_lengths)
    return interpret(jaxprs.solve, [*consts.solve, *b])


def _derivative(primals: Sequence[Any], tangents: Sequence[Any], linear: bool, **params: Any) -> Any:
    lengths, jaxprs = params["const_lengths"], params["jaxprs"]
    consts, b = _parts(primals, lengths)
    moving, b_dot = _parts(tangents, lengths)
    outs = bind(custom_linear_solve_p, *primals, **params)
    x, aux = outs[: len(b)], outs[len(b) :]
    right = list(b_dot)
    if any(d is not None for d in moving.matvec):
        at, dots = [*consts.matvec, *x], [*moving.matvec, *[None] * len(x)]
        change = linear_change(jaxprs.matvec, at, dots) if linear else jvp_values(jaxprs.matvec, at, dots)[1]
        right = [_minus(r, c) for r, c in zip(right, change, strict=True)]
    if all(r is None for r in right):
        return outs, [None] * len(outs)
    right = filled(right, [True] * len(right), [type_of(v) for v in b])
    flat = [c for part in consts for c in part]
    dot = bind(custom_linear_solve_p, *flat, *right, **params)[: len(b)]
    return outs, [*dot, *[None] * len(aux)]


def linear_change(jaxpr: Jaxpr, primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of a program's outputs, primal and tangent parts kept apart."""
    split = linearize_jaxpr(jaxpr, [t is not None for t in tangents])
    _, computed = split_list(evaluate_jaxpr(split.known, primals), len(jaxpr.outputs))
    given = [t for t in tangents if t is not None]
    return spread(evaluate_jaxpr(split.linear, [*split.residuals(primals, computed), *given]), split.out_active)


def _minus(x: Any, y: Any) -> Any:
    return x if y is None else neg(y) if x is None else sub(x, y)


def _transpose(cts: Sequence[Any], *args: Any, const_lengths: LinearSolve, jaxprs: LinearSolve) -> list[Any]:
    if jaxprs.transpose_solve is None:
        raise fail(
            "G203", "custom_linear_solve without transpose_solve cannot be differentiated in reverse mode",
            hint="pass transpose_solve, or symmetric=True", location=user_location(), cls=TypeError,
        )  # fmt: skip
    consts, b = _parts(args, const_lengths)
    right = [zeros(v.type) if ct is None else ct for ct, v in zip(cts[: len(b)], b, strict=True)]
    flat = [c for part in consts.swapped() for c in part]
    out = bind(custom_linear_solve_p, *flat, *right, const_lengths=const_lengths.swapped(), jaxprs=jaxprs.swapped())
    return [*[None] * len(flat), *out[: len(b)]]


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> Any:
    lengths, jaxprs = params["const_lengths"], params["jaxprs"]
    consts, b = _parts(args, lengths)
    const_dims, b_dims = _parts(dims, lengths)
    programs: list[Jaxpr | None] = []
    for jaxpr, own in zip(jaxprs, const_dims, strict=True):
        if jaxpr is None:
            programs.append(None)
            continue
        flags = [d is not None for d in own]
        programs.append(batch_jaxpr(jaxpr, size, [*flags, *[True] * len(b)], [True] * len(jaxpr.outputs))[0])
    flat = [
        c if d is None else batch_to_front(size, c, d)
        for part, own in zip(consts, const_dims, strict=True)
        for c, d in zip(part, own, strict=True)
    ]
    rows = [batch_to_front(size, x, d) for x, d in zip(b, b_dims, strict=True)]
    out = bind(custom_linear_solve_p, *flat, *rows, const_lengths=lengths, jaxprs=LinearSolve(*programs))
    return out, [0] * len(out)


custom_linear_solve_p = Primitive(
    "custom_linear_solve",
    type_rule=_type,
    impl=_impl,
    jvp=lambda primals, tangents, **params: _derivative(primals, tangents, False, **params),
    linearize=lambda primals, tangents, **params: _derivative(primals, tangents, True, **params),
    transpose=_transpose,
    batch=_batch,
    multiple=True,
    family="control",
)
