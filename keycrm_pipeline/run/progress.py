"""The progress of a load as log records: a terminal draws a bar from them, and they are shown nowhere else.

What people should know while a load runs goes through the modules' own loggers, which Dagster shows with the run.
"""

from __future__ import annotations

import logging

ORDERS = logging.getLogger("keycrm_pipeline.run.progress")
"""One record per write, with the attributes `done` and `total`; on DEBUG, and not passed to other handlers."""
ORDERS.propagate = False


def report(done: int, total: int) -> None:
    """Logs that `done` of `total` orders are stored."""
    ORDERS.debug("%d of %d orders are stored", done, total, extra={"done": done, "total": total})
