"""Records: what they share with frozen dataclasses, and what they refuse."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import pytest

from gradcli.engine.record import default, fields_of, record, replaced


@record
class Base:
    kind: ClassVar[str] = "base"
    name: str
    notes: list[str] = default(factory=list)


@record(kw_only=True)
class Derived(Base):
    size: int
    unit: str = "m"


def test_fields_defaults_and_inheritance() -> None:
    found = Derived(name="a", size=2)
    assert (found.name, found.notes, found.size, found.unit) == ("a", [], 2, "m")
    assert list(fields_of(Derived)) == ["name", "notes", "size", "unit"]
    assert Base("a").notes is not Base("a").notes


def test_equality_hash_and_text() -> None:
    one, other = Base("a", ("x",)), Base("a", ("x",))  # type: ignore[arg-type]
    assert one == other and hash(one) == hash(other) and one != Derived(name="a", size=1)
    assert repr(one) == "Base(name='a', notes=('x',))"
    assert pickle.loads(pickle.dumps(one)) == one


def test_replacing_and_checks_after_making() -> None:
    @record
    class Positive:
        value: float

        def __post_init__(self) -> None:
            if self.value <= 0:
                raise ValueError("not positive")

    assert replaced(Positive(1.0), value=2.0) == Positive(2.0)
    with pytest.raises(ValueError, match="not positive"):
        replaced(Positive(1.0), value=-2.0)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "needs a value for 'name'"),
        (("a",), {"name": "b"}, "given twice"),
        (("a",), {"other": 1}, "not a field"),
        (("a", [], 3), {}, "takes 2 fields"),
    ],
)
def test_wrong_use(args: tuple[Any, ...], kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Base(*args, **kwargs)


def test_records_do_not_change() -> None:
    found = Base("a")
    with pytest.raises(AttributeError, match="cannot be changed"):
        found.name = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="cannot be changed"):
        del found.name
