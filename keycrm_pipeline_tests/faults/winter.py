"""A shop of 70 days, of which a backfill makes three runs, and a moment in which one of them can be cut off."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.scene import WatchedApi, make_order
from keycrm_pipeline_tests.pipeline.bookkeeping import person
from keycrm_pipeline_tests.product import PATIENCE_SECONDS

NEW_YEAR = date(2026, 1, 1)
BACKFILL_DAYS = 70
"""Three runs: 31, 31 and 8 days."""

SECOND_RANGE = date(2026, 2, 1)
THIRD_RANGE = date(2026, 3, 4)
SLOWLY = 0.4
"""Longer than pages are kept to be stored together: KeyCRM's usual pace."""


def shop_of_a_winter() -> EditableShop:
    """70 days of orders.

    Everyone and everything is met on the first day, so that cards have the same numbers in whichever order the
    months are loaded.
    """
    shop = EditableShop.empty()
    order_id = 0
    for day in range(BACKFILL_DAYS):
        for _ in range(4 if NEW_YEAR + timedelta(day) < THIRD_RANGE else 20):
            order_id += 1
            shop.add_order(
                make_order(
                    order_id,
                    ordered_at=datetime(2026, 1, 1, 10, 0, tzinfo=UTC) + timedelta(day),
                    buyer=person(order_id % 4 + 1, f"Покупець {order_id % 4 + 1}"),
                    lines=[
                        {
                            "name": f"Товар {order_id % 3}",
                            "sku": f"SKU-{order_id % 3}",
                            "price": 10 + order_id,
                            "quantity": 2,
                        }
                    ],
                )
            )
    return shop


class Cut:
    """Holds KeyCRM's answer to a later page of one month, so that the exchange can be cut off there.

    The first page is answered at KeyCRM's usual pace, and so it is stored before.
    """

    def __init__(self, api: WatchedApi, first_day: date) -> None:
        # Winter: local midnight is 22:00 UTC of the day before. Two days more are requested, and a second.
        self._begins = f"{first_day - timedelta(days=3)} 21:59:59"
        self.reached = threading.Event()
        self.over = threading.Event()
        api.watch = self._watch

    def _watch(self, listing: str, page: int) -> None:
        if not listing.startswith(self._begins):
            return
        if page == 1:
            self.over.wait(SLOWLY)
        else:
            self.reached.set()
            self.over.wait(PATIENCE_SECONDS)
