"""A program as one Python function of NumPy values: the source that ``gradcli jaxpr --as python`` prints.

The function needs NumPy and nothing of gradcli. Its values are those of the interpreter; scalars are NumPy scalars, so
that 1/0 is inf and not an exception.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from gradcli.engine.execute.emit_program import ProgramWriter
from gradcli.engine.execute.emit_text import ATOM, Term, dtype_text
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.transforms.simplify import simplify

LINE = 110  # characters of a line with several results


def source_of(jaxpr: Jaxpr, name: str = "f", inputs: Sequence[str] = ()) -> str:
    """The source of a module with one public function that computes what the program does.

    name: what to call it; ``inputs``: names for its parameters (default: x, y, z, or x1, x2, ...).
    Raises GradcliError (G203) naming the primitive where one cannot be written down.

    >>> from gradcli.engine.api import make_jaxpr
    >>> print(source_of(make_jaxpr(lambda x: x * x + 1.0)(2.0), "f"))  # doctest: +ELLIPSIS
    \"\"\"f(x: f64[]) -> f64[].\"\"\"
    <BLANKLINE>
    import numpy as np
    ...
        return x * x + 1.0
    <BLANKLINE>
    """
    jaxpr = simplify(jaxpr, inline=True)
    function = _identifier(name)
    parameters = _parameters(len(jaxpr.inputs), inputs)
    writer = ProgramWriter([function, *parameters])
    for parameter, t in zip(parameters, jaxpr.in_types, strict=True):
        writer.line(f"{parameter} = {_converted(parameter, t)}")
    writer.bind(jaxpr, [Term(p, ATOM) for p in parameters])
    outs = writer.program(jaxpr)
    writer.lines += _return([o.text for o in outs])
    library = writer.library
    head = [_title(function, parameters, jaxpr), "", *sorted({"import numpy as np", *library.imports}), ""]
    definitions = [line for text in library.definitions for line in _spaced(text)]
    body = ['@np.errstate(all="ignore")', f"def {function}({', '.join(parameters)}):", *writer.lines]
    return "\n".join([*head, *definitions, "", *body, ""])


def _title(name: str, parameters: Sequence[str], jaxpr: Jaxpr) -> str:
    given = [f"{p}: {t}" for p, t in zip(parameters, jaxpr.in_types, strict=True)]
    made = ", ".join(map(str, jaxpr.out_types))
    result = made if len(jaxpr.outputs) == 1 else f"({made})"
    line = f'"""{name}({", ".join(given)}) -> {result}."""'
    return (
        line if len(line) <= LINE else "\n".join([f'"""{name}(', *(f"    {g}," for g in given), f') -> {result}."""'])
    )


def _return(texts: Sequence[str]) -> list[str]:
    line = f"    return {', '.join(texts) or '()'}"
    if len(line) <= LINE or len(texts) == 1:
        return [line]
    return ["    return (", *(f"        {text}," for text in texts), "    )"]


def _spaced(text: str) -> list[str]:
    """A definition; a function stands apart from what is around it."""
    return ["", *text.splitlines(), ""] if text.startswith("def ") else text.splitlines()


def _converted(name: str, t: ArrayType) -> str:
    """A parameter with its dtype, so that plain numbers and lists may be given too."""
    if t.shape:
        return f"np.asarray({name}, {dtype_text(t.dtype)})"
    return f"{'np.bool' if t.dtype.kind == 'b' else dtype_text(t.dtype)}({name})"


def _identifier(name: str) -> str:
    text = re.sub(r"\W+", "_", name).strip("_") or "f"
    return f"f_{text}" if text[0].isdigit() or keyword.iskeyword(text) else text


def _parameters(count: int, wanted: Sequence[str]) -> list[str]:
    """Distinct identifiers, those that were asked for where there is one for each input."""
    names = [_identifier(n) for n in wanted]
    if len(names) == count and len(set(names)) == count:
        return names
    return list("xyzuvw"[:count]) if count <= 3 else [f"x{i + 1}" for i in range(count)]
