"""Values and derivatives at a point: ``grad``, ``jvp``, ``vjp``, ``jacobian``, ``hessian`` and ``taylor``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gradcli.engine import api
from gradcli.engine.array import is_value, raw, type_of
from gradcli.engine.autodiff import program_of
from gradcli.engine.errors import Location, fail
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.record import record, replaced
from gradcli.engine.taylor import taylor
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.tree import TreeDef, tree_flatten, tree_map, tree_unflatten
from gradcli.inspect.problem import Problem, called
from gradcli.inspect.results import GradResult, JvpResult, MatrixResult, TaylorResult, Values, VjpResult

NESTED_ORDERS = 5  # beyond, nesting grows exponentially and Taylor mode takes over


@record
class Traced:
    """A problem whose function has run once, on tracers: its program at that point, which all transforms can use."""

    problem: Problem
    jaxpr: Jaxpr
    out_tree: TreeDef

    def __call__(self, *values: Any) -> Any:
        """The function of the chosen leaves, without running the user's code again."""
        return tree_unflatten(self.out_tree, evaluate_jaxpr(self.jaxpr, values))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """The problem's notes, the decisions that tracing took, and what they alone depend on."""
        decisions = dict.fromkeys(str(note) for note in self.jaxpr.notes)
        return (*self.problem.notes, *decisions, *(self._undifferentiated() if decisions else ()))

    def _undifferentiated(self) -> list[str]:
        """A note on every argument that is used, and from which no path of floats leads to an output."""
        reaches = {v for v in self.jaxpr.outputs if v.type.is_float and not v.is_literal}
        for eqn in reversed(self.jaxpr.eqns):
            if not reaches.isdisjoint(eqn.outputs) and eqn.primitive.name != "stop_gradient":
                reaches.update([v for v in eqn.inputs if v.type.is_float and not v.is_literal])
        left = {v for v in self.jaxpr.inputs if v not in reaches}
        used = {v for eqn in self.jaxpr.eqns for v in eqn.inputs if v in left} if left else left
        return [
            f"the derivative by {chosen.label} is 0: the result depends on it through decisions and whole numbers only"
            for chosen, v in zip(self.problem.chosen, self.jaxpr.inputs, strict=True) if v in used
        ]  # fmt: skip

    def return_location(self) -> Location | None:
        """The user's line that made the output."""
        outputs = {id(o) for o in self.jaxpr.outputs}
        for eqn in reversed(self.jaxpr.eqns):
            if eqn.source is not None and any(id(v) in outputs for v in eqn.outputs):
                location: Location = eqn.source.full()
                return location
        return None


def traced(problem: Problem) -> Traced:
    """Runs the function once on tracers of the chosen leaves."""
    jaxpr, _, _, out_tree = program_of(_named(problem), problem.points)
    return Traced(problem, jaxpr, out_tree)


def _named(problem: Problem) -> Any:
    def f(*values: Any) -> Any:
        return problem.of_chosen(*values)

    f.__name__ = problem.name
    return f


def plain(x: Any) -> Any:
    """A pytree of engine values as one of NumPy arrays and Python scalars; what is no array stays as it is."""
    return tree_map(lambda v: np.asarray(raw(v))[()] if is_value(v) else v, x)


def plain_values(values: Values) -> Values:
    """Values by label in NumPy terms, the order kept (a pytree's dictionaries are sorted)."""
    return {label: plain(value) for label, value in values.items()}


def grad_of(problem: Problem, order: int = 0, show_value: bool = True) -> GradResult:
    """Value and gradient or, with ``order`` n, the derivatives 0 … n by one scalar argument.

    Raises G204 where the output is no scalar.
    """
    f = traced(problem)
    if order:
        return _derivatives(f, order, show_value)
    require_scalar(f, problem)
    value, pull = api.vjp(f, *problem.points)
    found = pull(tree_map(lambda v: type_of(v).dtype.type(1), value))
    return GradResult(
        target=problem.target.label, dtype=problem.dtype, notes=f.notes, inputs=plain_values(problem.inputs),
        value=plain(_leaf(value)), gradients=plain_values(problem.by_label(found)), show_value=show_value,
        wrt=", ".join(c.label for c in problem.chosen),
    )  # fmt: skip


def _leaf(tree: Any) -> Any:
    return tree_flatten(tree)[0][0]


def require_scalar(f: Traced, problem: Problem, real: bool = True) -> None:
    """Raises G204 unless the output is one scalar, and G205 unless it is real."""
    name, target = called(problem.target), problem.target.label
    types = f.jaxpr.out_types
    if len(types) == 1 and f.out_tree.num_leaves == 1 and not types[0].shape and f.out_tree.type is None:
        if real and types[0].dtype.kind != "f":
            raise fail(
                "G205", f"{name} returned {types[0].dtype.name}; a gradient needs a real float",
                location=f.return_location(), hint=f"use `gradcli jvp {quoted(target)}`" if types[0].is_float else None,
            )  # fmt: skip
        return
    if len(types) == 1 and f.out_tree.type is None:
        what = f"shape {types[0].shape}"
    else:
        shapes = ", ".join(str(t.shape) for t in types)
        what = f"{len(types)} values of shapes {shapes}" if types else "nothing"
    raise fail(
        "G204",
        f"{name} returned {what}; a gradient needs a scalar",
        location=f.return_location(),
        hint=f"use `gradcli jacobian {quoted(target)}`, or `gradcli batch` for one gradient a sample",
        cls=TypeError,
    )


def quoted(target: str) -> str:
    """A target as it can be pasted into a shell."""
    import_free = all(c.isalnum() or c in "._/:-@" for c in target)
    return target if import_free else "-e '" + target + "'"


def _single_scalar(problem: Problem, what: str) -> None:
    numbers = problem.numbers
    scalar = len(numbers) == 1 and np.ndim(problem.leaves[numbers[0]]) == 0
    if not scalar:
        labels = ", ".join(c.label for c in problem.chosen)
        raise fail(
            "G101",
            f"{what} needs one scalar argument, not {labels}" if len(numbers) > 1 else
            f"{what} needs a scalar argument; {labels} has shape {np.shape(problem.leaves[numbers[0]])}",
            hint=f"pick one: --wrt {problem.chosen[0].label}" if len(numbers) > 1 else "use `gradcli batch --over`",
        )  # fmt: skip


def _derivatives(f: Traced, order: int, show_value: bool) -> GradResult:
    problem = f.problem
    _single_scalar(problem, "--order")
    require_scalar(f, problem)
    notes = f.notes
    if order > NESTED_ORDERS:
        found = taylor(f, problem.points, [np.ones((), problem.points[0].dtype)], order)
        notes = (*notes, f"orders above {NESTED_ORDERS} by Taylor mode, as `gradcli taylor` has them")
    else:
        found, g = [], f.__call__
        for k in range(order + 1):
            found.append(g(*problem.points))
            g = api.grad(g) if k < order else g
    derivatives = tuple(plain(_leaf(d)) for d in found)
    return GradResult(
        target=problem.target.label, dtype=problem.dtype, notes=notes, inputs=plain_values(problem.inputs),
        value=derivatives[0], gradients=None, derivatives=derivatives, wrt=problem.chosen[0].label,
        show_value=show_value,
    )  # fmt: skip


def taylor_of(problem: Problem, order: int) -> TaylorResult:
    """Derivatives 0 … ``order`` by Taylor mode; the function may return an array."""
    if order < 0:
        raise fail("G101", "--order cannot be negative")
    _single_scalar(problem, "taylor")
    f = traced(problem)
    found = taylor(f, problem.points, [np.ones((), problem.points[0].dtype)], order)
    return TaylorResult(
        target=problem.target.label, dtype=problem.dtype, notes=f.notes, inputs=plain_values(problem.inputs),
        wrt=problem.chosen[0].label, derivatives=tuple(plain(d) for d in found),
    )  # fmt: skip


def jvp_of(problem: Problem, tangents: Mapping[str, Any]) -> JvpResult:
    """Value and derivative along ``tangents`` by label (paths too); what is not named stands still.

    Without tangents, all of them are ones.
    """
    f = traced(problem)
    directions = _directions(problem, tangents)
    value, out = api.jvp(f, problem.points, directions)
    return JvpResult(
        target=problem.target.label, dtype=problem.dtype, notes=f.notes, inputs=plain_values(problem.inputs),
        tangents=plain_values(problem.by_label(directions)), value=plain(value), tangent_out=plain(out),
    )  # fmt: skip


def _directions(problem: Problem, tangents: Mapping[str, Any]) -> tuple[Any, ...]:
    labels = problem.leaf_labels()
    flat: dict[str, Any] = {}
    for name, value in tangents.items():
        chosen = next((c for c in problem.chosen if c.label == name), None)
        if chosen is None and name not in labels:
            raise fail("G105", f"no argument {name!r} to give a tangent to", hint=f"choose among {', '.join(labels)}")
        if chosen is None or chosen.tree.type is None:
            flat[name] = value
            continue
        parts = chosen.tree.flatten_up_to(value)
        for i, part in zip(chosen.places, parts, strict=True):
            flat[problem.paths[i]] = part
    out = []
    for label, point in zip(labels, problem.points, strict=True):
        if not tangents:
            out.append(np.ones(point.shape, point.dtype))
        elif label in flat:
            out.append(_fitting(flat[label], point, f"the tangent of {label}"))
        else:
            out.append(np.zeros(point.shape, point.dtype))
    return tuple(out)


def _fitting(value: Any, like: Any, what: str) -> Any:
    """A tangent or cotangent as an array of the type it goes with; scalars spread over an array."""
    array = np.asarray(raw(value)).astype(like.dtype)
    if array.shape and array.shape != like.shape:
        raise fail("G206", f"{what} has shape {array.shape}; it must be {like.shape}", cls=ValueError)
    return np.broadcast_to(array, like.shape).copy() if array.shape != like.shape else array


def vjp_of(problem: Problem, cotangent: Any = None) -> VjpResult:
    """Value and the cotangents that ``cotangent`` (default: ones) pulls back to."""
    f = traced(problem)
    value, pull = api.vjp(f, *problem.points)
    leaves, tree = tree_flatten(value)
    parts = [1.0] * len(leaves) if cotangent is None else tree.flatten_up_to(cotangent)
    cts = [
        _fitting(part, leaf, "the cotangent") if leaf.type.is_float else np.zeros(leaf.shape, leaf.dtype)
        for part, leaf in zip(parts, leaves, strict=True)
    ]
    ct = tree_unflatten(tree, cts)
    return VjpResult(
        target=problem.target.label, dtype=problem.dtype, notes=f.notes, inputs=plain_values(problem.inputs),
        cotangent=plain(ct), value=plain(value), cotangents=plain_values(problem.by_label(pull(ct))),
    )  # fmt: skip


def jacobian_of(problem: Problem, mode: str = "auto") -> MatrixResult:
    """The Jacobian; ``auto`` takes forward mode where there are fewer inputs than outputs."""
    f = traced(problem)
    if mode == "auto":
        n_in, n_out = sum(p.size for p in problem.points), sum(t.size for t in f.jaxpr.out_types)
        mode = "fwd" if n_in < n_out else "rev"
    numbers = tuple(range(len(problem.points)))
    transform = api.jacfwd if mode == "fwd" else api.jacrev
    found = transform(f, argnums=numbers)(*problem.points)
    value = f(*problem.points)
    matrix = {c: _per_argument(f.out_tree, found, problem, i) for i, c in enumerate(problem.leaf_labels())}
    return MatrixResult(
        target=problem.target.label, dtype=problem.dtype, notes=f.notes, kind="jacobian",
        inputs=plain_values(problem.inputs),
        value=plain(value), matrix=_single(plain(matrix)), wrt=tuple(matrix), mode=mode,
    )  # fmt: skip


def _per_argument(out_tree: TreeDef, found: Any, problem: Problem, i: int) -> Any:
    """For one argument, a tree like the output of blocks of the Jacobian."""
    return tree_unflatten(out_tree, [block[i] for block in out_tree.flatten_up_to(found)])


def _single(matrix: Values) -> Any:
    return next(iter(matrix.values())) if len(matrix) == 1 else matrix


def hessian_of(problem: Problem, mode: str = "auto") -> MatrixResult:
    """The Hessian of a scalar function: forward over reverse, or all forward or all reverse where ``mode`` says so."""
    f = traced(problem)
    require_scalar(f, problem)
    numbers = tuple(range(len(problem.points)))
    inner = api.jacfwd if mode == "fwd" else api.jacrev
    outer = api.jacrev if mode == "rev" else api.jacfwd
    rows = outer(inner(lambda *xs: _leaf(f(*xs)), argnums=numbers), argnums=numbers)(*problem.points)
    labels = problem.leaf_labels()
    matrix: Any = {a: {b: rows[i][j] for j, b in enumerate(labels)} for i, a in enumerate(labels)}
    return MatrixResult(
        target=problem.target.label, dtype=problem.dtype, notes=f.notes, kind="hessian",
        inputs=plain_values(problem.inputs),
        value=plain(_leaf(f(*problem.points))), wrt=tuple(labels), mode={"auto": "fwd over rev"}.get(mode, mode),
        matrix=plain(rows[0][0] if len(labels) == 1 else matrix),
    )  # fmt: skip


def vary_of(problem: Problem, name: str, points: Any, order: int = 0, show_value: bool = True) -> GradResult:
    """Value and gradient at every point of one argument, stacked along a leading axis."""
    places = [i for i, path in enumerate(problem.paths) if path == name]
    if not places:
        raise fail("G105", f"no scalar argument {name!r} to vary", hint=f"choose among {', '.join(problem.names)}")
    results = []
    for point in np.asarray(points).tolist():
        results.append(grad_of(problem.with_leaves(places, [point]), order, show_value))
    first = results[0]
    derivatives = first.derivatives and tuple(
        np.stack([r.derivatives[k] for r in results if r.derivatives]) for k in range(order + 1)
    )
    gradients = first.gradients and {
        label: tree_map(lambda *g: np.stack(g), *(r.gradients[label] for r in results if r.gradients))
        for label in first.gradients
    }
    notes = dict.fromkeys(note for r in results for note in r.notes)
    return replaced(
        first, value=np.stack([r.value for r in results]), gradients=gradients, derivatives=derivatives or None,
        varied=(name, np.asarray(points)), notes=_few(list(notes)), inputs={**first.inputs, name: np.asarray(points)},
    )  # fmt: skip


def _few(notes: Sequence[str], limit: int = 6) -> tuple[str, ...]:
    more = len(notes) - limit
    return (*notes[:limit], f"and {more} more such notes") if more > 0 else tuple(notes)
