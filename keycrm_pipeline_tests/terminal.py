"""A terminal of the size that people have, with a program on it, and what it shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from keycrm_pipeline_tests.product import PATIENCE_SECONDS

PROGRAM = Path(sys.executable).with_name("keycrm-pipeline")
_ROWS, _COLUMNS = 40, 100
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program that was started on a terminal.

    Attributes:
        program: The program.
    """

    def __init__(self, program: subprocess.Popen[bytes], screen: int) -> None:
        self.program = program
        self._screen = screen
        self._written = b""

    @property
    def shown(self) -> str:
        """Everything that was shown so far, without colours and movements of the cursor."""
        return _CONTROL.sub("", self._written.decode("utf-8", errors="replace"))

    def type(self, text: str) -> None:
        """Types a text, without a key for the end of the line."""
        os.write(self._screen, text.encode("utf-8"))

    def wait_for(self, text: str) -> None:
        """Reads until a text was shown.

        Raises:
            AssertionError: The program ended, or nothing came for a long time.
        """
        while text not in self.shown:
            assert self._read(), f"«{text}» was not shown, but:\n{self.shown}"

    def wait(self) -> int:
        """Reads to the end of the program and returns its exit code."""
        while self._read():
            pass
        return self.program.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        """Whether something more was shown."""
        readable, _, _ = select.select([self._screen], [], [], PATIENCE_SECONDS)
        if not readable:
            return False
        try:
            more = os.read(self._screen, 65536)
        except OSError:
            # Linux: the last process on the terminal has ended.
            return False
        self._written += more
        return bool(more)


@contextlib.contextmanager
def on_a_terminal(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Starts `keycrm-pipeline` with all three streams on a terminal; it is killed if it is still running at the end."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    with subprocess.Popen(
        [PROGRAM, *arguments],
        env={**os.environ, "TERM": "xterm", **environment},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as program:
        os.close(terminal)
        try:
            yield Terminal(program, screen)
        finally:
            program.kill()
            os.close(screen)
