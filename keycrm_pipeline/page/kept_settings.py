"""What the forms of settings need again when they are sent: the files they were made from, and lists of accounts.

Everything is in memory: after a restart of the page a form that was opened before is refused anyway (`security`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from keycrm_pipeline.profile import ProfileFile
from keycrm_pipeline.run.account import Account

MOST_FILES = 200


class KeptSettings:
    """Profile files by their digest, and by profile the lists that somebody has had read from KeyCRM."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[str, str], ProfileFile] = OrderedDict()
        self._accounts: dict[str, Account] = {}
        # Pages are rendered in several threads.
        self._lock = threading.Lock()

    def keep_file(self, file: ProfileFile) -> ProfileFile:
        """Keeps and returns the file from which a form is made."""
        with self._lock:
            self._files[file.name, file.digest] = file
            self._files.move_to_end((file.name, file.digest))
            while len(self._files) > MOST_FILES:
                self._files.popitem(last=False)
        return file

    def file(self, name: str, digest: str) -> ProfileFile | None:
        """The file of a profile from which a form was made; None if it is not known any more."""
        with self._lock:
            return self._files.get((name, digest))

    def keep_account(self, profile: str, account: Account) -> None:
        """Keeps what KeyCRM has listed for a profile."""
        with self._lock:
            self._accounts[profile] = account

    def account(self, profile: str) -> Account | None:
        """What KeyCRM has listed for a profile, if somebody has asked since the start of the page."""
        with self._lock:
            return self._accounts.get(profile)
