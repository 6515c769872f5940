"""``asbru`` with a clock that jumps: the file named first holds the seconds that it is off by."""

import sys
import time
from pathlib import Path

from asbru.cli import main

_REAL = time.time


def jumpy(path: Path) -> None:
    """Have ``time.time`` be off by what the file says; looked up at most ten times a second."""
    seen = [0.0, 0.0]

    def now() -> float:
        if time.monotonic() - seen[0] > 0.1:
            seen[0], seen[1] = time.monotonic(), float(path.read_text() or 0)
        return _REAL() + seen[1]

    time.time = now


if __name__ == "__main__":
    jumpy(Path(sys.argv.pop(1)))
    main()
