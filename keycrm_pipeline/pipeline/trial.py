"""A rebuild that changes nothing: it is done on a copy of the file, which is then compared with the original.

So it says exactly what the rebuild would do, with every rule and every check of it. What is not here: the rebuild
itself (`rebuild`), and the comparison (`warehouse.trial`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from keycrm_pipeline.pipeline import rebuild
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run import lock
from keycrm_pipeline.run.session import Plan, in_words, open_warehouse
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts
from keycrm_pipeline.warehouse.trial import (
    DocumentChanges,
    MovementChanges,
    compare_documents,
    compare_movements,
    copy_to_file,
    remember_documents,
)


@dataclass(frozen=True)
class RebuildTrial:
    """What a rebuild would do.

    Attributes:
        documents: What becomes of the documents.
        movements: What becomes of the movements of orders.
        counts: The counts of its exchange; cards and rejected orders among them.
    """

    documents: DocumentChanges
    movements: MovementChanges
    counts: ExchangeCounts


def try_rebuild(workspace: Workspace) -> RebuildTrial:
    """Does the rebuild on a copy of the profile's file, which is removed afterwards; nothing else is written.

    Needs as much room on the disk as the file has. A trial of the same profile that runs already is waited for.

    Raises:
        WarehouseError: There is no file yet, it is busy or unreadable, or the disk has no room for a copy.
        ExchangeError: The rebuild would fail, for this reason; or the trial was stopped.
    """
    directory = workspace.database.with_name(f"{workspace.database.name}.trial")
    copy = directory / "books.duckdb"
    trial = Workspace(workspace.profile.model_copy(update={"database": str(copy)}), workspace.settings)
    with in_words(), lock.held(directory.with_suffix(".trial.lock"), "trial"):
        # What a killed trial left.
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700, parents=True)
        try:
            copy_to_file(open_warehouse(workspace), copy)
            with open_warehouse(trial).writing() as connection:
                remember_documents(connection)
            with exchange(trial, Plan("rebuild", "trial", is_on_copy=True)) as session:
                rebuild.run(session)
            with open_warehouse(trial).writing() as connection:
                return RebuildTrial(
                    compare_documents(connection), compare_movements(connection), session.counts
                )
        finally:
            shutil.rmtree(directory, ignore_errors=True)
