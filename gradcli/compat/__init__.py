"""What lets ordinary files run as they are: NumPy's protocols, and stand-ins for numpy, math, jax and autograd."""

from __future__ import annotations

from importlib import import_module

__all__ = ["install", "uninstall"]

_INSTALLED = "gradcli.compat.installed"  # loaded by those who install


def install(*names: str) -> None:
    """From here on ``import jax`` or ``import autograd`` gives gradcli's stand-ins, everywhere in this process.

    names: ``"jax"``, ``"autograd"``; both if none is given. With jax, arrays have 32 bits as JAX's have, unless
    JAX_ENABLE_X64 says otherwise. Raises ValueError for another name.

    >>> install("autograd")
    >>> from autograd import grad
    >>> print(grad(lambda x: x**3)(2.0))
    12.0
    >>> uninstall()
    """
    import_module(_INSTALLED).install(*names)


def uninstall(*names: str) -> None:
    """Undoes :func:`install`, for these names or for all; libraries imported before are there again."""
    import_module(_INSTALLED).uninstall(*names)
