"""``vectorize``: a function of single samples, applied to arrays by broadcasting and nested vmap."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.api import vmap
from gradcli.engine.array import type_of
from gradcli.engine.ir.types import broadcast_shapes
from gradcli.engine.ops.shape import squeeze
from gradcli.numpy._base import arr, value_error

_ARGUMENTS = r"\([^()]*\)(?:,\([^()]*\))*"
_SIGNATURE = re.compile(rf"^({_ARGUMENTS})?->({_ARGUMENTS})$")


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Sequence[int | str] = (), signature: str | None = None
) -> Callable[..., Any]:
    """Makes a function of scalars, or of arrays as the signature ``(n),(n)->()`` says, one of arrays with leading axes.

    Raises ValueError for a signature that cannot be read or arguments that do not fit it.
    """
    left_out = set(excluded)

    @functools.wraps(pyfunc, updated=())
    def apply(*args: Any, **kwargs: Any) -> Any:
        chosen = [i for i in range(len(args)) if i not in left_out]
        values = [arr(args[i]) for i in chosen]
        core = _core_ranks(signature, len(values))

        def on_values(*xs: Any) -> Any:
            given = list(args)
            for i, x in zip(chosen, xs, strict=True):
                given[i] = x
            return pyfunc(*given, **kwargs)

        return _mapped(on_values, values, core)

    return apply


def _core_ranks(signature: str | None, n: int) -> list[int]:
    """How many axes of each argument belong to one sample."""
    if signature is None:
        return [0] * n
    match = _SIGNATURE.match(signature.replace(" ", ""))
    if match is None:
        raise value_error(f"not a signature of vectorize: {signature!r}", "such as '(n,m),(m)->(n)'")
    groups = re.findall(r"\(([^()]*)\)", match.group(1) or "")
    if len(groups) != n:
        raise value_error(f"signature {signature!r} has {len(groups)} arguments, {n} were given")
    return [len([name for name in g.split(",") if name]) for g in groups]


def _mapped(f: Callable[..., Any], values: list[Any], core: Sequence[int]) -> Any:
    """One vmap an axis of the broadcast of the leading axes; an axis of size 1 is not mapped but dropped."""
    for x, n in zip(values, core, strict=True):
        if x.ndim < n:
            raise value_error(f"an argument of {n} core dimensions was {type_of(x)}")
    leads = [x.shape[: x.ndim - n] for x, n in zip(values, core, strict=True)]
    shape = broadcast_shapes(*leads) if leads else ()
    squeezed = []
    for x, lead in zip(values, leads, strict=True):
        offset = len(shape) - len(lead)
        squeezed.append(squeeze(x, [i for i, n in enumerate(lead) if n == 1 and shape[i + offset] != 1]))
    for axis in reversed(range(len(shape))):
        in_axes = []
        for lead in leads:
            i = axis - (len(shape) - len(lead))
            in_axes.append(0 if i >= 0 and lead[i] == shape[axis] else None)
        f = vmap(f, in_axes=tuple(in_axes), axis_size=shape[axis])
    return f(*squeezed)
