"""An exchange from its beginning to its end: the session, and what every exchange does before its own work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.session import Plan, Services, Session, open_session


@contextlib.contextmanager
def exchange(workspace: Workspace, plan: Plan, services: Services | None = None) -> Iterator[Session]:
    """Opens a session and brings new files of the accounting catalogue into the books, once per exchange (R12).

    Raises:
        ExchangeError: What went wrong, in words; also when it was not foreseen.
    """
    with open_session(workspace, plan, services) as session:
        # Within the exchange, whose row says when the work began: it takes a moment to load.
        from keycrm_pipeline.pipeline.catalogue_files import bring_in_catalogue

        bring_in_catalogue(session)
        yield session
