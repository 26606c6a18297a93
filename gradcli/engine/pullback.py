"""The function that ``vjp`` returns: a pull-back that is a pytree of the values it kept.

As a tree it can leave a compiled function and enter another one. Its structure holds the linear program; its leaves are
what the program needs of the point: arguments that are used as they are, in ``args_res``, and values that were computed
on the way, in ``opaque_residuals``. That form is made when it is first asked for; until then the map is applied as
linearization left it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Array, Value, raw, type_of
from gradcli.engine.custom import FLOAT0, as_value
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr, Literal, Var
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Undefined
from gradcli.engine.ops.elementwise import convert_element_type
from gradcli.engine.ops.shape import zeros
from gradcli.engine.refs import Opened, Ref, addupdate
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Trace
from gradcli.engine.transforms.linearize import Linear
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.transforms.split import OneLinear, Split
from gradcli.engine.transforms.transpose import backward_jaxpr
from gradcli.engine.tree import TreeDef, register_pytree_node, tree_flatten, tree_unflatten
from gradcli.engine.tree_keys import flatten_one_level


class _Sign:
    """A container without children that stands for a value."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class NotNeeded(_Sign):
    """An argument that the pull-back does not use."""


class GradValue(_Sign):
    """Asks for the cotangent of an argument as a value."""


class DontWant(_Sign):
    """Says that the cotangent of an argument is not wanted."""


class DidntWant(_Sign):
    """What is returned for it."""


class GradRef(_Sign):
    """What is returned for a cotangent that was added to a ref."""


for _sign in (NotNeeded, GradValue, DontWant, DidntWant, GradRef):
    register_pytree_node(_sign, lambda x: ((), None), lambda _, __, sign=_sign: sign())  # type: ignore[misc]


def instantiated(x: Any, t: ArrayType) -> Any:
    """A (co)tangent written out: zeros for None, and JAX's float0 zeros for types that have no tangents.

    That of a weak value is weak, as it is of a Python number: it decides no dtype where it is used next.
    """
    if x is None and not t.is_float:
        return np.zeros(t.shape, FLOAT0)
    value = as_value(zeros(t.strong()) if x is None else x)
    return Array(value.value, t) if t.weak_type and type(value) is Array and value.shape == t.shape else value


class Point:
    """What a pull-back is of: structures and types, without values.

    types: those of the arguments' leaves, of which the ``active`` ones have cotangents; outputs: those of the result;
    count: the outputs of the linear map, auxiliary ones too.
    """

    __slots__ = ("active", "count", "has_refs", "in_tree", "out_tree", "outputs", "types")

    def __init__(
        self, in_tree: TreeDef, types: Sequence[ArrayType], out_tree: TreeDef, outputs: Sequence[ArrayType], count: int
    ) -> None:
        self.in_tree, self.types, self.out_tree, self.outputs, self.count = in_tree, types, out_tree, outputs, count
        self.active = [t.is_float for t in types]
        self.has_refs = Ref.exist and _holds(in_tree, Opened)

    def cotangents(self, given: Any) -> list[Any]:
        """The cotangents of the outputs. Raises ValueError for another structure (G210) or shape (G206)."""
        cts, tree = tree_flatten(given)
        if tree != self.out_tree:
            raise fail("G210", f"the cotangent's structure {tree} is not the output's {self.out_tree}", cls=ValueError)
        found: list[Any] = [None] * self.count
        for i, (leaf, t) in enumerate(zip(cts, self.outputs, strict=True)):
            if getattr(leaf, "dtype", None) == FLOAT0 and not t.is_float:
                continue
            ct = as_value(leaf)
            if ct.shape != t.shape:
                raise fail("G206", f"a cotangent of shape {ct.shape} was given for an output {t}", cls=ValueError)
            found[i] = convert_element_type(ct, t.dtype) if ct.dtype != t.dtype else ct
        return found

    def tree_of(self, cotangents: Sequence[Any]) -> Any:
        """The cotangents of the arguments as the arguments are built, from those of the active leaves."""
        found = iter(cotangents)
        flat = [next(found) if a else None for a in self.active]
        return tree_unflatten(self.in_tree, [instantiated(ct, t) for ct, t in zip(flat, self.types, strict=True)])


class _Form:
    """The static part of a pull-back as a tree: the program of residuals and tangents, and which residual is what.

    places: for each residual the number of the argument's leaf that it is, or None.
    """

    __slots__ = ("places", "point", "program")

    def __init__(self, point: Point, program: Jaxpr, places: Sequence[int | None]) -> None:
        self.point, self.program, self.places = point, program, places

    def __repr__(self) -> str:
        return str(self.program)


class VJP:
    """A pull-back: ``pull(cotangent)`` is a tuple of the arguments' cotangents. A pytree of the values it kept."""

    __slots__ = ("__weakref__", "_at", "_form", "_parts", "point")

    def __init__(self, point: Point, at: tuple[Linear, Sequence[Any]] | None, form: _Form | None = None) -> None:
        self.point, self._at, self._form = point, at, form
        self._parts: tuple[list[Any], list[Any]] | None = None

    def __call__(self, cotangent: Any) -> Any:
        if self.point.has_refs:
            raise fail(
                "G205", "the cotangent of an argument that is a ref must be accumulated into a ref",
                hint="bind one: pull.with_refs(ref)(cotangent)", location=user_location(), cls=ValueError,
            )  # fmt: skip
        return self._applied(cotangent)

    def _applied(self, cotangent: Any) -> Any:
        return self.point.tree_of(self._pulled(self.point.cotangents(cotangent)))

    def with_refs(self, *wanted: Any) -> Callable[[Any], Any]:
        """The pull-back that adds cotangents to refs: ``wanted`` has a ref, GradValue() or DontWant() an argument.

        In the place of what is not returned are GradRef() and DidntWant(). Raises TypeError for another number of them.
        """
        if len(wanted) != len(self.point.in_tree.parts):
            raise fail(
                "G210", f"with_refs got {len(wanted)} entries for {len(self.point.in_tree.parts)} arguments",
                location=user_location(), cls=TypeError,
            )  # fmt: skip

        def pull(cotangent: Any) -> Any:
            found = self._applied(cotangent)
            return tuple(
                _delivered(w, part, ct) for w, part, ct in zip(wanted, self.point.in_tree.parts, found, strict=True)
            )

        return pull

    @property
    def args_res(self) -> list[Any]:
        """The arguments that the pull-back uses, each a leaf or tuples of leaves; NotNeeded() for the others."""
        return self._opened()[0]

    @args_res.setter
    def args_res(self, values: Sequence[Any]) -> None:
        self._parts = (list(values), self._opened()[1])

    @property
    def opaque_residuals(self) -> list[Any]:
        """The values that were computed for the pull-back."""
        return self._opened()[1]

    @opaque_residuals.setter
    def opaque_residuals(self, values: Sequence[Any]) -> None:
        self._parts = (self._opened()[0], list(values))

    @property
    def in_tree(self) -> TreeDef:
        """The structure of the arguments."""
        return self.point.in_tree

    @property
    def out_tree(self) -> TreeDef:
        """The structure of the result."""
        return self.point.out_tree

    @property
    def jaxpr(self) -> Jaxpr:
        """The linear program, of residuals and tangents."""
        self._opened()
        assert self._form is not None
        return self._form.program

    def __repr__(self) -> str:
        return f"VJP(in_tree={self.in_tree}, out_tree={self.out_tree}, args_res={self.args_res}, " + (
            f"opaque_residuals={self.opaque_residuals})"
        )

    def _opened(self) -> tuple[list[Any], list[Any]]:
        """The residuals, which may be changed from now on."""
        if self._parts is None:
            assert self._at is not None
            linear, leaves = self._at
            program, residuals = linear_form(linear)
            where = {id(raw(x) if type(x) is Array else x): i for i, x in reversed(list(enumerate(leaves)))}
            places = [where.get(id(r)) for r in residuals]
            values = [
                r if isinstance(r, Value) else Array(r, v.type) for r, v in zip(residuals, program.inputs, strict=False)
            ]
            flat: list[Any] = [NotNeeded()] * len(leaves)
            for i, value in zip(places, values, strict=True):
                if i is not None:
                    flat[i] = leaves[i] if type(leaves[i]) is Array else value
            stream = iter(flat)
            args = [_nested(part, stream) for part in self.point.in_tree.parts]
            self._form = _Form(self.point, program, places)
            self._parts = (args, [v for v, i in zip(values, places, strict=True) if i is None])
        return self._parts

    def _pulled(self, cotangents: Sequence[Any]) -> Sequence[Any]:
        if self._parts is None:
            assert self._at is not None
            return self._at[0].pull_back(cotangents)
        assert self._form is not None
        args, opaque = self._parts
        flat = [x for part, arg in zip(self.point.in_tree.parts, args, strict=True) for x in _loosely(part, arg)]
        stream = iter(opaque)
        residuals = [next(stream) if i is None else flat[i] for i in self._form.places]
        for r, i in zip(residuals, self._form.places, strict=True):
            if isinstance(r, NotNeeded):
                raise fail("G210", f"the pull-back needs the argument {i}, which is not there", cls=ValueError)
        tangents = [Undefined(t.strong()) for t in self.point.types if t.is_float]
        values = [as_value(r) for r in residuals]
        return backward_jaxpr(self._form.program, [*values, *tangents], cotangents)[len(values) :]

    def flattened(self) -> tuple[Sequence[Any], Any]:
        """Children and static part, as a pytree."""
        parts = self._opened()
        return parts, self._form

    @classmethod
    def rebuilt(cls, form: _Form, children: Sequence[Any]) -> VJP:
        """The pull-back with these residuals."""
        made = cls(form.point, None, form)
        made._parts = (list(children[0]), list(children[1]))
        return made


register_pytree_node(VJP, VJP.flattened, VJP.rebuilt)


def _delivered(wanted: Any, part: TreeDef, ct: Any) -> Any:
    """One argument's cotangent: itself, or what stands for it where it went to a ref or nowhere."""
    if isinstance(wanted, (GradValue, DontWant)):
        return ct if isinstance(wanted, GradValue) else DidntWant()
    if isinstance(wanted, Ref):
        addupdate(wanted, ..., ct.value if isinstance(ct, Opened) else ct)
        return GradRef()
    if part.kind is None:
        raise fail("G210", f"with_refs takes a ref, GradValue() or DontWant(), not {wanted!r}", cls=TypeError)
    rows = zip(flatten_one_level(wanted)[0], part.parts, flatten_one_level(ct)[0], strict=True)
    return part.kind.build(part.data, [_delivered(w, child, c) for w, child, c in rows])


def _holds(tree: TreeDef, kind: type) -> bool:
    return tree.type is kind or any(_holds(part, kind) for part in tree.parts)


def _nested(part: TreeDef, leaves: Any) -> Any:
    """The leaves of an argument as tuples of tuples: containers of any kind become tuples."""
    return next(leaves) if part.type is None else tuple(_nested(child, leaves) for child in part.parts)


def _loosely(part: TreeDef, given: Any) -> list[Any]:
    """The leaves that an argument of that structure has in a tree whose containers may be of other kinds."""
    if part.type is None or isinstance(given, NotNeeded):
        return [given] * part.num_leaves
    children = flatten_one_level(given)[0]
    if len(children) != len(part.parts):
        raise fail("G210", f"an argument {part} cannot be restored from {given!r}", cls=ValueError)
    return [x for child, sub in zip(part.parts, children, strict=True) for x in _loosely(child, sub)]


def linear_form(linear: Linear) -> tuple[Jaxpr, list[Any]]:
    """A linear map as a program of its residuals and of the inputs' tangents, and the residuals.

    All outputs are there, zeros where the map has none. Literals of the program that was linearized stay literals.
    """
    trace, residuals, known = Trace(), [], {}
    with trace:

        def held(x: Any, t: ArrayType) -> Any:
            value = x.value if type(x) is Array else x
            if id(value) not in known:
                known[id(value)] = trace.input(t)
                residuals.append(value)
            return known[id(value)]

        tangents = [trace.input(v.type.strong()) for v in linear.inputs]
        dots: dict[Any, Any] = dict(zip(linear.inputs, tangents, strict=True))
        for eqn, one, values in linear.steps:
            _write_step(eqn, one, values, held, dots)
        outs = [zeros(v.type.strong()) if dots.get(v) is None else dots[v] for v in linear.outputs]
        return trace.close([*known.values(), *tangents], outs), residuals


def _write_step(eqn: Any, one: Any, values: Sequence[Any], held: Callable[..., Any], dots: dict[Any, Any]) -> None:
    """Writes the linear map of one equation, and what becomes of its outputs' tangents."""
    if isinstance(one, Split):
        assert one.linear is not None
        rows = zip(values, one.places, one.linear.inputs, strict=False)
        own = [
            eqn.inputs[i]
            if i is not None and i < len(eqn.inputs) and isinstance(eqn.inputs[i], Literal)
            else held(r, v.type)
            for r, i, v in rows
        ]
        moving = [dots[a] for a in eqn.inputs if a in dots]
        dots[eqn.outputs[0]] = evaluate_jaxpr(one.linear, [*own, *moving], eqn.source)[0]
        return
    program = one.program()
    if isinstance(one, OneLinear):
        own = [held(c, type_of(c)) for c in program.consts]
        program = Jaxpr((*program.constvars, *program.inputs), program.eqns, program.outputs)
    else:
        own = []
    moving = [_tangent(dots, v) for v in values]
    found = evaluate_jaxpr(program, [*own, *moving], eqn.source)
    alive = [v for v, o in zip(eqn.outputs, one.outputs, strict=True) if o is not None]
    dots.update(zip(alive, found, strict=True))


def _tangent(dots: dict[Any, Any], var: Var) -> Any:
    found = dots.get(var)
    return zeros(var.type.strong()) if found is None else found
