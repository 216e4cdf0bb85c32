"""Moves a profile's books from its file to the lake of this installation, or back, and notes it in the profile.

No exchange runs meanwhile: the locks of both places are held until the profile names the new one. The old books stay
where they are, as they were.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Literal

from keycrm_pipeline.profile import (
    LAKE,
    FileChangedError,
    NotEditableError,
    NotWrittenError,
    ProfileFile,
    Workspace,
    read_profile_file,
    with_changes,
    write_profile_file,
)
from keycrm_pipeline.reading.databases import warehouse_of
from keycrm_pipeline.run import lock
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline.run.session import in_words
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse.moving import Copied, copy_books

Destination = Literal["lake", "file"]


class MoveError(ExchangeError):
    """The books were not moved, or the profile does not say so; the text says which."""


@dataclass(frozen=True)
class Moved:
    """Books that were moved.

    Attributes:
        old: Where they were, and still are.
        new: Where they are now.
        copied: How much that was.
    """

    old: str
    new: str
    copied: Copied


def move(workspace: Workspace, destination: Destination) -> Moved:
    """Moves the books; an exchange that runs is waited for.

    Args:
        workspace: The profile and its places.
        destination: Where to; a file is always `<profile>.duckdb` in the data directory.

    Raises:
        ProfileError: The profile does not allow it: a lake has no copy for readers.
        MoveError: They are there already, or the profile's file cannot be changed.
        WarehouseError: One of the databases cannot be used, or the new one has books already.
    """
    profile = workspace.profile
    if profile.is_in_lake == (destination == LAKE):
        raise MoveError(Failure.ALREADY_THERE.message(profile=profile.name, place=destination))
    database = LAKE if destination == LAKE else None
    file = read_profile_file(profile.name, workspace.settings)
    changed = _changed(file, database)
    target = Workspace(profile.model_copy(update={"database": database}), workspace.settings)
    with (
        in_words(),
        lock.held(lock.place_of(workspace), "move") as old_hold,
        lock.held(lock.place_of(target), "move") as new_hold,
    ):
        old = replace(warehouse_of(workspace), hold=old_hold)
        new = replace(warehouse_of(target), hold=new_hold)
        copied = copy_books(old, new)
        try:
            write_profile_file(file, changed)
        except (FileChangedError, NotWrittenError) as error:
            raise MoveError(
                Failure.MOVED_BUT_NOT_NOTED.message(profile=file.path, new=new.name, setting=_said(database))
            ) from error
    return Moved(old.name, new.name, copied)


def _changed(file: ProfileFile, database: str | None) -> ProfileFile:
    with contextlib.suppress(NotEditableError):
        return with_changes(file, {("database",): database})
    raise MoveError(Failure.NOT_MOVED.message(profile=file.path))


def _said(database: str | None) -> str:
    return f"database: {database}" if database else "database:"
