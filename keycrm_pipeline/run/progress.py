"""How far a load is, as log records: a terminal draws a bar from them, and nobody else sees them.

What a person should know while a load runs goes through the modules' own loggers, which Dagster shows with the run.
"""

from __future__ import annotations

import logging

ORDERS = logging.getLogger("keycrm_pipeline.run.progress")
"""One record per write, with the attributes `done` and `total`; on DEBUG, and kept from the other handlers."""
ORDERS.propagate = False


def report(done: int, total: int) -> None:
    """Logs that `done` of `total` orders are stored."""
    ORDERS.debug("%d of %d orders are stored", done, total, extra={"done": done, "total": total})
