"""An exchange from start to end: the session, and what every exchange does before its own work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.session import Plan, Services, Session, open_session


@contextlib.contextmanager
def exchange(workspace: Workspace, plan: Plan, services: Services | None = None) -> Iterator[Session]:
    """Opens a session, and brings in what lies beside the profile: the catalogue (R12), registers (R15) and rates.

    After the work, payments and money are compared.

    Raises:
        ExchangeError: What went wrong, in words, even if it was not foreseen.
    """
    with open_session(workspace, plan, services) as session:
        # Imported inside the exchange: it takes a moment, and the row of the log records when the work began.
        from keycrm_pipeline.pipeline import reconciliation
        from keycrm_pipeline.pipeline.catalogue_files import bring_in_catalogue
        from keycrm_pipeline.pipeline.rates import bring_in_rates
        from keycrm_pipeline.pipeline.registers import bring_in_registers

        bring_in_catalogue(session)
        bring_in_registers(session.workspace, session.warehouse, now=session.now)
        bring_in_rates(session)
        yield session
        reconciliation.refresh(
            session.profile,
            session.warehouse,
            now=session.now,
            most=reconciliation.MOST_AFTER_CHANGES if plan.kind == "changes" else None,
        )
