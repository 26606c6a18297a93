"""``numpy.random`` in a plain file: NumPy's own numbers, the same ones each time that the function runs.

A derivative is that of the function at the numbers drawn, so every run of it (the differences of ``check`` too) has to
draw the same. Draws whose parameters are traced are written as ``loc + scale * standard draw``, where that can be done.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.compat.boxes import Boxed, boxed, boxing
from gradcli.compat.buffer import Buffer
from gradcli.compat.functions import TRACED, bare, function, scan_all
from gradcli.engine.array import Value
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Note
from gradcli.engine.trace.source import user_location, user_source
from gradcli.engine.trace.tracer import STATE, Tracer


class _Remark(Note):
    """A note that is no decision."""

    def __str__(self) -> str:
        return self.text + (f", {self.source.location()}" if self.source is not None else "")


class _Stream:
    """The numbers of ``numpy.random``'s own functions, and of generators made without a seed."""

    def __init__(self) -> None:
        self.chosen = False
        self.generators = self.first = 0
        self.seed(None)

    def seed(self, seed: Any) -> None:
        """Starts again. A seed that was chosen makes the run repeatable, of which no note is needed."""
        self.chosen = seed is not None
        self.entropy = np.random.SeedSequence(seed).entropy if seed is None or isinstance(seed, int) else 0
        self.state = np.random.RandomState(seed) if seed is not None else np.random.RandomState()
        self.start = self.state.get_state()

    def restart(self) -> None:
        """Goes back to where the function's run began."""
        self.generators = self.first
        self.state.set_state(self.start)

    def generator(self) -> np.random.Generator:
        """A generator for ``default_rng()``: another at each call of a run, the same ones in each run."""
        self.generators += 1
        return np.random.default_rng([self.generators, *_words(self.entropy)])

    def mark(self) -> None:
        """Makes what comes next start where the numbers are now."""
        self.start, self.first = self.state.get_state(), self.generators

    def note(self) -> None:
        """Says in the trace that the numbers are others in another process."""
        if self.chosen or STATE.trace is None:
            return
        text = "random numbers are drawn: each call of the command draws others (choose a seed, as np.random.seed(0))"
        trace = STATE.trace
        if all(note.text != text for note in trace.notes):
            trace.notes.append(_Remark(text, user_source(3)))


def _words(entropy: Any) -> list[int]:
    return [int(entropy)] if isinstance(entropy, (int, np.integer)) else [int(x) for x in entropy or [0]]


STREAM = _Stream()

# By parameters: how a draw with traced ones is made of a standard draw, and the names of NumPy's parameters.
_Draw = Callable[..., Any]


def _reparametrised(source: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A draw whose parameters are traced. Raises G212 where it has no such form."""
    if name not in _FORMS:
        raise fail(
            "G212", f"numpy.random.{name} with traced parameters is not supported", location=user_location(),
            hint=_INSTEAD.get(name, "draw standard numbers, and make what is wanted of them with functions of numpy"),
            cls=NotImplementedError,
        )  # fmt: skip
    names, defaults, form = _FORMS[name]
    given = dict(zip((*names, "size"), args, strict=False)) | kwargs
    size = given.pop("size", None)
    parameters = [given.get(n, d) for n, d in zip(names, defaults, strict=True)]
    if size is None:
        size = np.broadcast_shapes(*[np.shape(p) if not isinstance(p, (Boxed, Value)) else p.shape for p in parameters])
    return form(source, size, *parameters)


_INSTEAD = {
    "multivariate_normal": "write mean + np.random.standard_normal((size, n)) @ np.linalg.cholesky(cov).T",
    "choice": "the draw is no smooth function of p: draw with plain numbers",
    "poisson": "the draw is a whole number, and has no derivative: draw with plain numbers",
    "binomial": "the draw is a whole number, and has no derivative: draw with plain numbers",
}


def _uniform(source: Any, size: Any, low: Any, high: Any) -> Any:
    return low + (high - low) * source.uniform(size=size)


def _normal(source: Any, size: Any, loc: Any, scale: Any) -> Any:
    return loc + scale * source.standard_normal(size)


def _lognormal(source: Any, size: Any, mean: Any, sigma: Any) -> Any:
    return function("exp")(_normal(source, size, mean, sigma))


_FORMS: dict[str, tuple[tuple[str, ...], tuple[float, ...], Any]] = {
    "uniform": (("low", "high"), (0.0, 1.0), _uniform),
    "normal": (("loc", "scale"), (0.0, 1.0), _normal),
    "lognormal": (("mean", "sigma"), (0.0, 1.0), _lognormal),
    "exponential": (("scale",), (1.0,), lambda source, size, scale: scale * source.standard_exponential(size)),
    "laplace": (("loc", "scale"), (0.0, 1.0), lambda source, size, loc, scale: loc + scale * source.laplace(size=size)),
    "logistic": (("loc", "scale"), (0.0, 1.0), lambda source, size, loc, s: loc + s * source.logistic(size=size)),
    "gumbel": (("loc", "scale"), (0.0, 1.0), lambda source, size, loc, scale: loc + scale * source.gumbel(size=size)),
}  # fmt: skip


def _shuffle(source: Any, x: Any) -> None:
    if not isinstance(x, Buffer):
        source.shuffle(x)
        return
    order = source.permutation(x.shape[0])
    x[...] = x[order]


def _drawn(source: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if name == "shuffle":
        return _shuffle(source, *args)
    first: Any = args[0] if args else None
    if name in ("permutation", "permuted", "choice") and type(first) in (Buffer, Tracer):
        return first[getattr(source, name)(first.shape[0], *bare(args[1:]), **{k: bare(v) for k, v in kwargs.items()})]
    if scan_all(args, kwargs) == TRACED:
        return _reparametrised(source, name, args, kwargs)
    out = getattr(source, name)(*bare(args), **{k: bare(v) for k, v in kwargs.items()})
    return boxed(out) if boxing() else out


class Generator:
    """A generator of NumPy's whose draws take traced parameters."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__dict__["real"], name)
        if not callable(found) or name.startswith("_"):
            return found
        return lambda *args, **kwargs: _drawn(self.real, name, args, kwargs)


def _default_rng(seed: Any = None) -> Any:
    if isinstance(seed, Generator):
        return seed
    if seed is None:
        STREAM.note()
        return Generator(STREAM.generator())
    return Generator(np.random.default_rng(bare(seed)))


def _random_state(seed: Any = None) -> Any:
    if seed is None:
        STREAM.note()
        return Generator(np.random.RandomState(np.random.MT19937(_words(STREAM.entropy))))
    return Generator(np.random.RandomState(bare(seed)))


def _function(name: str) -> Callable[..., Any]:
    @functools.wraps(getattr(np.random, name))
    def draw(*args: Any, **kwargs: Any) -> Any:
        STREAM.note()
        return _drawn(STREAM.state, name, args, kwargs)

    return draw


class _Module(types.ModuleType):
    def __init__(self) -> None:
        super().__init__("numpy.random", np.random.__doc__)
        self.__dict__.update(
            default_rng=_default_rng, RandomState=_random_state, seed=STREAM.seed, __path__=np.random.__path__
        )

    def __getattr__(self, name: str) -> Any:
        real = getattr(np.random, name)
        found = _function(name) if callable(real) and not isinstance(real, type) else real
        self.__dict__[name] = found
        return found


@functools.cache
def random_module() -> types.ModuleType:
    """The stand-in for ``numpy.random``."""
    return _Module()
