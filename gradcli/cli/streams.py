"""Where the program reads and writes, and what the terminal there can do. Injected, so that tests need no patching."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

from gradcli.engine.record import default, record

WIDTH = 120  # of a table that was asked for where no terminal says how wide it is


@record
class Streams:
    """The three standard streams and the environment."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str] = default(factory=dict)

    @classmethod
    def real(cls) -> Streams:
        """Those of the process."""
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ)

    def is_terminal(self, stream: TextIO) -> bool:
        """Whether a stream is a terminal."""
        try:
            return stream.isatty()
        except ValueError:  # closed
            return False

    def color(self, stream: TextIO) -> bool:
        """Whether to colour: NO_COLOR and TERM=dumb say no, FORCE_COLOR yes, else a terminal does."""
        if self.environment.get("NO_COLOR"):
            return False
        if self.environment.get("FORCE_COLOR"):
            return True
        return self.environment.get("TERM") != "dumb" and self.is_terminal(stream)

    def width(self, stream: TextIO) -> int:
        """COLUMNS, else the terminal's width, else a generous one."""
        columns = self.environment.get("COLUMNS", "")
        if columns.isdigit() and int(columns) > 0:
            return int(columns)
        return shutil.get_terminal_size((WIDTH, 24)).columns if self.is_terminal(stream) else WIDTH
