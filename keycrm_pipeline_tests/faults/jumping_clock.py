"""The command in a process whose clock jumps; a file says by how many seconds it is wrong, and may be written again.

For good only the kernel's own clock could jump, and that one belongs to the whole machine. This is the nearest to it
that a test may do: the two ways in which the process asks for the time of day, `datetime.now` in our modules and
`time.time` in all, get the real time and the jump. The clock that only goes forward stays as it is, as in a real jump.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable
from pathlib import Path

_Real = datetime.datetime
_real_time = time.time


def jumping(wrong_by: Path) -> str:
    """The program that begins the command with such a clock."""
    return (
        f"from keycrm_pipeline_tests.faults.jumping_clock import let_jump; let_jump({str(wrong_by)!r})\n"
        "from keycrm_pipeline.cli import main; main()"
    )


class _IsReal(type):
    """Takes every real moment for one of the class, as code that asks for its kind expects."""

    def __instancecheck__(cls, moment: object) -> bool:
        return isinstance(moment, _Real)


def let_jump(wrong_by: str) -> None:
    """Makes the clock of this process one that jumps."""
    # What a command works with is loaded before: it holds on to the real `datetime` until told otherwise here.
    import keycrm_pipeline.cli
    import keycrm_pipeline.orchestration.launch  # noqa: F401

    make_wrong(lambda: float(Path(wrong_by).read_text("ascii")))


def make_wrong(jump: Callable[[], float]) -> None:
    """Makes the clock of this process wrong by the seconds that a function returns."""
    import dagster._time

    class Jumping(_Real, metaclass=_IsReal):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> _Real:  # type: ignore[override]
            return _Real.now(tz) + datetime.timedelta(seconds=jump())

    for name, module in [*sys.modules.items(), ("keycrm_pipeline.", dagster._time)]:
        if name.startswith("keycrm_pipeline.") and vars(module).get("datetime") is _Real:
            vars(module)["datetime"] = Jumping
    time.time = lambda: _real_time() + jump()
