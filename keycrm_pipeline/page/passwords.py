"""The page's password: stored as a scrypt hash, compared in constant time, and asked for a limited number of times.

What is not here: cookies and who is logged in (`security`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from keycrm_pipeline.language import _
from keycrm_pipeline.page.settings import PageError

SHORTEST = 10
"""Characters of the shortest password that is accepted."""

_COST, _BLOCK_SIZE, _PARALLEL = 2**15, 8, 1
"""32 MB and about a tenth of a second for one attempt."""
_MOST_COST = 2**20
_MEMORY = 256 * 1024 * 1024
_SALT_BYTES = 16
_PREFIX = "scrypt"

MOST_ATTEMPTS = 5
"""Wrong passwords from one address until it must wait."""
MOST_ATTEMPTS_OF_ALL = 50
"""The same from all addresses together: an address behind a proxy can be invented."""
WAIT = timedelta(minutes=15)


@dataclass(frozen=True)
class PasswordHash:
    """A stored password."""

    cost: int
    block_size: int
    parallel: int
    salt: bytes
    digest: bytes

    def matches(self, password: str) -> bool:
        """Whether this is the password."""
        return hmac.compare_digest(
            _digest(password, self.salt, self.cost, self.block_size, self.parallel), self.digest
        )


def _digest(password: str, salt: bytes, cost: int, block_size: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8"), salt=salt, n=cost, r=block_size, p=parallel, maxmem=_MEMORY, dklen=32
    )


def write_password(path: Path, password: str) -> None:
    """Writes the hash of a password to a file that only its owner can read.

    Raises:
        PageError: The password is too short, or the file cannot be written.
    """
    if len(password) < SHORTEST:
        raise PageError(_("The password is too short: it needs at least {count} characters.", count=SHORTEST))
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _digest(password, salt, _COST, _BLOCK_SIZE, _PARALLEL)
    encoded = [base64.b64encode(part).decode("ascii") for part in (salt, digest)]
    line = "$".join((_PREFIX, str(_COST), str(_BLOCK_SIZE), str(_PARALLEL), *encoded))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp creates the file with mode 0600, and a rename replaces an older one that others could read.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{line}\n")
        Path(name).replace(path)
    except OSError as error:
        raise PageError(
            _("The password file {path} cannot be written: {reason}.", path=path, reason=error.strerror)
        ) from None


def read_password(path: Path) -> PasswordHash:
    """The hash in a password file.

    Raises:
        PageError: It is missing, readable by others, or not one that `write_password` wrote.
    """
    try:
        mode = path.stat().st_mode
        line = path.read_text("ascii").strip()
    except FileNotFoundError:
        raise PageError(
            _(
                "There is no password file {path}. Make it with: keycrm-pipeline page --set-password "
                "--password-file {path}",
                path=path,
            )
        ) from None
    except (OSError, UnicodeDecodeError):
        raise PageError(_("The password file {path} cannot be read.", path=path)) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PageError(
            _("Others can read the password file {path}. Make it yours alone: chmod 600 {path}", path=path)
        )
    try:
        prefix, cost, block_size, parallel, salt, digest = line.split("$")
        found = PasswordHash(
            int(cost), int(block_size), int(parallel), base64.b64decode(salt), base64.b64decode(digest)
        )
    except ValueError:
        prefix, found = "", None
    if prefix != _PREFIX or found is None or not 2 <= found.cost <= _MOST_COST or not found.digest:
        raise PageError(
            _(
                "The password file {path} is damaged. Make it again with: keycrm-pipeline page "
                "--set-password --password-file {path}",
                path=path,
            )
        )
    return found


@dataclass
class Attempts:
    """Counts wrong passwords, and says when an address must wait."""

    _wrong: dict[str, deque[datetime]] = field(default_factory=dict)
    # Logins are checked in several threads.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def must_wait(self, address: str, now: datetime) -> bool:
        """Whether an address may not try a password now, not even the right one."""
        with self._lock:
            for known, times in list(self._wrong.items()):
                while times and now - times[0] >= WAIT:
                    times.popleft()
                if not times:
                    del self._wrong[known]
            of_all = sum(map(len, self._wrong.values()))
            return len(self._wrong.get(address, ())) >= MOST_ATTEMPTS or of_all >= MOST_ATTEMPTS_OF_ALL

    def record_wrong(self, address: str, now: datetime) -> None:
        """Counts a wrong password."""
        with self._lock:
            self._wrong.setdefault(address, deque()).append(now)

    def forget(self, address: str) -> None:
        """Forgets an address that gave the right password."""
        with self._lock:
            self._wrong.pop(address, None)
