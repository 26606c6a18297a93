"""Names of variables: letters, in order."""

from __future__ import annotations


def var_name(index: int) -> str:
    """a, b, … z, ba, bb, …: the index in base 26, as JAX counts.

    >>> [var_name(i) for i in (0, 25, 26, 27)]
    ['a', 'z', 'ba', 'bb']
    """
    name = ""
    while True:
        index, rest = divmod(index, 26)
        name = chr(97 + rest) + name
        if not index:
            return name
