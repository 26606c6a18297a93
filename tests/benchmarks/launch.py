"""``python -I -S launch.py COMMAND...``: runs a command and prints its seconds and its peak memory in bytes.

A process's peak counts from the fork, when it still shares the pages of its parent. This parent is smaller than any
command worth measuring, which the process that measures is not.
"""

import os
import sys
from time import perf_counter

if __name__ == "__main__":
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
    start = perf_counter()
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    seconds = perf_counter() - start
    print(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    sys.exit(os.waitstatus_to_exitcode(status))
