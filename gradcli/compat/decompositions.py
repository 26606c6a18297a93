"""NumPy's functions whose meaning for a traced value is another than that of gradcli.numpy's function of that name.

NumPy's ``eigh`` reads one triangle of its argument, where gradcli.numpy takes the Hermitian part; its ``eig`` has
eigenvectors, and here with derivatives, and gives real numbers where all are real, as ``roots`` does; ``gradient``
returns a tuple; ``real_if_close`` decides by the values; ``clip`` orders complex numbers; a singular matrix raises
LinAlgError. Results of several parts are NumPy's own structs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.boxes import Guard, boxed, boxing, noted, present, unboxed
from gradcli.compat.functions import SPECIAL
from gradcli.engine.trace.tracer import value_of


def _answer(value: Any) -> Any:
    return boxed(value) if boxing() else value


def _named(name: str, out: Any) -> Any:
    """A result as the struct that NumPy's function of that name returns, where it is a tuple."""
    return _answer(type(getattr(np.linalg, name)(np.eye(1)))(*out) if isinstance(out, tuple) else out)


def _structs(name: str) -> Callable[..., Any]:
    def run(a: Any, *args: Any, **kwargs: Any) -> Any:
        return _named(name, getattr(gnp.linalg, name)(_array(a), *args, **kwargs))

    return run


def _array(a: Any) -> Any:
    return gnp.asarray(unboxed(a))


def _from_triangle(a: Any, uplo: str) -> Any:
    """The Hermitian matrices whose lower or upper triangle is that of ``a``. Raises ValueError for another letter."""
    if uplo.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    a = _array(a)
    inner = gnp.tril(a, -1) if uplo.upper() == "L" else gnp.triu(a, 1)
    diagonal = gnp.where(np.eye(a.shape[-1], dtype=bool), gnp.real(a), 0)
    return inner + gnp.conj(gnp.swapaxes(inner, -1, -2)) + diagonal


def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    """``np.linalg.eigh``: a function of one triangle, so the derivative by the other is zero."""
    return _named("eigh", gnp.linalg.eigh(_from_triangle(a, UPLO), UPLO.upper(), symmetrize_input=False))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    """``np.linalg.eigvalsh``, likewise."""
    return _answer(gnp.linalg.eigvalsh(_from_triangle(a, UPLO), UPLO.upper(), symmetrize_input=False))


def eig(a: Any) -> Any:
    """``np.linalg.eig``, whose eigenvectors have derivatives too."""
    a = _array(a)
    a = a if a.dtype.kind in "fc" else a.astype(np.float64)
    eig_of = import_module("gradcli.engine.ops.linalg.eig").eig  # which most files need not load
    values, vectors = eig_of(a, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    real = a.dtype.kind != "c" and _is_real(values)
    return _named("eig", (gnp.real(values), gnp.real(vectors)) if real else (values, vectors))


def eigvals(a: Any) -> Any:
    """``np.linalg.eigvals``."""
    a = _array(a)
    values = gnp.linalg.eigvals(a)
    return _answer(gnp.real(values) if a.dtype.kind != "c" and _is_real(values) else values)


def roots(p: Any) -> Any:
    """``np.roots``."""
    p = _array(p)
    values = gnp.roots(p)
    return _answer(gnp.real(values) if p.dtype.kind != "c" and _is_real(values) else values)


def _is_real(values: Any) -> bool:
    """Whether NumPy would return real numbers: no imaginary part in this run, which the trace notes.

    In a plain file that is asked even where there is no value (in a batch): the file counts on what NumPy returns.
    """
    imaginary = gnp.any(gnp.imag(values) != 0)
    return (boxing() or value_of(imaginary) is not None) and not bool(imaginary)


def gradient(f: Any, *varargs: Any, **options: Any) -> Any:
    """``np.gradient``: of several axes, a container of the kind that NumPy returns."""
    out = gnp.gradient(_array(f), *map(unboxed, varargs), **options)
    return _answer(_SEVERAL(out) if isinstance(out, (list, tuple)) else out)


_SEVERAL = type(np.gradient(np.zeros((2, 2))))


def real_if_close(a: Any, tol: float = 100) -> Any:
    """``np.real_if_close``: whether the imaginary parts are zero is decided by the values of this run."""
    a = _array(a)
    if a.dtype.kind != "c":
        return _answer(a)
    most = tol * float(np.finfo(a.dtype).eps) if tol > 1 else tol
    close = gnp.all(gnp.abs(gnp.imag(a)) < most)
    return _answer(gnp.real(a) if bool(close) else a)


def clip(a: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    """``np.clip``: complex numbers too, which NumPy orders by their real parts first."""
    x, low, high = _array(a), unboxed(options.pop("min", a_min)), unboxed(options.pop("max", a_max))
    if x.dtype.kind != "c":
        return _answer(gnp.clip(x, low, high))
    x = x if low is None else gnp.maximum(x, gnp.asarray(low, x.dtype))
    return _answer(x if high is None else gnp.minimum(x, gnp.asarray(high, x.dtype)))


def _raising(name: str) -> Callable[..., Any]:
    """``np.linalg.inv`` and its kin, which raise LinAlgError where code that may catch it makes NumPy raise it."""
    real = getattr(np.linalg, name)

    def run(*args: Any, **kwargs: Any) -> Any:
        given = [_array(a) for a in args]
        out = getattr(gnp.linalg, name)(*given, **kwargs)
        if Guard.depth and not np.isfinite(present(out)).all():
            with noted(np.linalg.LinAlgError, *given):
                real(*map(present, given), **kwargs)
        return _answer(out)

    return run


SPECIAL.update({f"numpy.linalg.{name}": _raising(name) for name in ("inv", "solve", "cholesky")})
SPECIAL.update({f"numpy.linalg.{f.__name__}": f for f in (eigh, eigvalsh, eig, eigvals)})
SPECIAL.update({f"numpy.linalg.{name}": _structs(name) for name in ("qr", "slogdet", "svd")})
SPECIAL.update({f"numpy.{f.__name__}": f for f in (clip, gradient, real_if_close, roots)})
