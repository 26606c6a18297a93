"""Records: immutable classes with named fields, as frozen dataclasses are, that cost next to nothing to define.

``dataclasses`` compiles the methods of every class when it is defined, half a millisecond each, and a command defines
fifty of them before it does anything. Here all records share their methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")
C = TypeVar("C", bound=type)


class Factory:
    """The default of a field that is made anew for each record."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def default(*, factory: Callable[[], Any]) -> Any:
    """A field's default as a call: ``notes: list[str] = default(factory=list)``."""
    return Factory(factory)


class _Required:
    """Stands in for the default of a field that has none."""


REQUIRED = _Required()


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(default,))
def record(cls: C, /) -> C: ...
@overload
@dataclass_transform(frozen_default=True, field_specifiers=(default,))
def record(*, kw_only: bool = False) -> Callable[[C], C]: ...


def record(cls: Any = None, /, *, kw_only: bool = False) -> Any:
    """Makes a class a record: its annotated names, after those of its bases, are fields; it may have ``__post_init__``.

    >>> @record
    ... class Point:
    ...     x: float
    ...     y: float = 0.0
    >>> p = Point(1.0)
    >>> p, p == Point(1.0, 0.0), replaced(p, y=2.0)
    (Point(x=1.0, y=0.0), True, Point(x=1.0, y=2.0))
    """
    return _made(cls) if cls is not None else _made


def _made(cls: Any) -> Any:
    fields: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        fields.update(base.__dict__.get("__fields__", {}))
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():
        if not str(annotation).startswith("ClassVar"):
            fields[name] = cls.__dict__.get(name, REQUIRED)
            if isinstance(fields[name], Factory):
                delattr(cls, name)
    cls.__fields__ = fields
    for method in (_init, _repr, _eq, _hash, _setattr, _delattr):
        name = f"__{method.__name__[1:]}__"
        if name not in cls.__dict__ or name == "__hash__":
            setattr(cls, name, method)
    return cls


def fields_of(cls_or_record: Any) -> Mapping[str, Any]:
    """Names of a record's fields and their defaults: ``REQUIRED``, a ``Factory``, or a value."""
    return MappingProxyType(cls_or_record.__fields__)


def is_record(cls: Any) -> bool:
    """Whether a class is a record."""
    return "__fields__" in getattr(cls, "__dict__", ())


def replaced(x: T, **changes: Any) -> T:
    """The record with some fields changed."""
    return type(x)(**{**{name: getattr(x, name) for name in x.__fields__}, **changes})  # type: ignore[attr-defined]


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    fields = self.__fields__
    if len(args) > len(fields):
        raise TypeError(f"{type(self).__name__} takes {len(fields)} fields, got {len(args)}")
    values = dict(zip(fields, args, strict=False))
    for name, value in kwargs.items():
        if name not in fields or name in values:
            problem = "given twice" if name in fields else "not a field"
            raise TypeError(f"{type(self).__name__}: {name!r} is {problem}")
        values[name] = value
    for name, standard in fields.items():
        if name not in values:
            if standard is REQUIRED:
                raise TypeError(f"{type(self).__name__} needs a value for {name!r}")
            values[name] = standard.make() if type(standard) is Factory else standard
    self.__dict__.update(values)
    after = getattr(self, "__post_init__", None)
    if after is not None:
        after()


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__fields__)
    return f"{type(self).__name__}({shown})"


def _values(x: Any) -> tuple[Any, ...]:
    return tuple(getattr(x, n) for n in x.__fields__)


def _eq(self: Any, other: Any) -> Any:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _setattr(self: Any, name: str, value: Any) -> None:
    raise AttributeError(f"{type(self).__name__} cannot be changed (field {name!r})")


def _delattr(self: Any, name: str) -> None:
    raise AttributeError(f"{type(self).__name__} cannot be changed (field {name!r})")
