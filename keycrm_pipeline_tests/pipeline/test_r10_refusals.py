"""R10: an order that the program itself fails on keeps no other order out of the books, and is told.

A rule that fails on one order plays the mistake that nobody has found yet. What is not here: orders in which something
is wrong that a rule knows (`test_r10_rejected`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from keycrm_pipeline.accounting.documents import derive_documents
from keycrm_pipeline.pipeline import documents, movements, validation
from keycrm_pipeline.pipeline.refusals import MOST_REFUSED
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline.warehouse.errors import DiskFullError
from keycrm_pipeline.warehouse.integrity import INTEGRITY_CHECKS, offenders
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv

LAST_DAY = date(2026, 3, 9)


def failing(rule: Callable[..., Any], *order_ids: int) -> Callable[..., Any]:
    """The same rule, which cannot bear some orders."""

    def fails(*arguments: Any) -> Any:
        for argument in arguments:
            # Checks and versions are several frames together.
            for frame in (argument, *getattr(argument, "__dict__", {}).values()):
                has_orders = isinstance(frame, pl.DataFrame) and "order_id" in frame.columns
                if has_orders and frame["order_id"].is_in(order_ids).any():
                    raise ZeroDivisionError("Олена Тестова")
        return rule(*arguments)

    return fails


@pytest.fixture
def eight_orders(books: Books) -> Books:
    """An order on each of eight days, of which number 5 is the one that a rule is going to fail on."""
    for order_id in range(1, 9):
        books.order(order_id, kyiv(2026, 3, 1 + order_id))
    return books


@pytest.mark.parametrize(
    ("module", "rule", "again"),
    [
        (validation, "rejection_reasons", "load"),
        (documents, "derive_documents", "load"),
        (documents, "derive_documents", "changes"),
        (documents, "derive_documents", "rebuild"),
        (movements, "derive_movements", "load"),
    ],
    ids=["typed rows", "documents", "in changes", "in a rebuild", "movements"],
)
def test_one_order_that_a_stage_fails_on(
    eight_orders: Books, module: Any, rule: str, again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each order has become dearer by 50: seven documents follow, the eighth is as it was, and is told without a name.

    Once the program is put right, it is in the books like all others, and nothing is told any more.
    """
    books = eight_orders
    books.load(MARCH_2, LAST_DAY)
    for order_id in range(1, 9):
        books.order(
            order_id,
            kyiv(2026, 3, 1 + order_id),
            lines=[{"price": 100}, {"price": 50}],
            grand_total=150,
            updated_at="2026-04-01T09:30:00.000000Z",
        )
    with monkeypatch.context() as patched:
        patched.setattr(module, rule, failing(getattr(module, rule), 5))
        exchange = books.load(MARCH_2, LAST_DAY) if again == "load" else books.changes()
        if again == "rebuild":
            exchange = books.rebuild()
    assert (exchange.status, exchange.orders_rejected) == ("succeeded", 1)
    (reason,) = books.reasons()[5]
    assert reason.startswith("The program failed on this order, which nobody foresaw (ZeroDivisionError at ")
    assert "Олена" not in reason
    totals = dict(books.query("SELECT order_id, grand_total FROM accounting.orders"))
    assert {order_id for order_id, total in totals.items() if total == 150} >= {1, 2, 3, 4, 6, 7, 8}
    assert totals[5] == (150 if module is movements else 100)
    # What is told is no fault of the books as well.
    with books.warehouse.reading() as connection:
        found = [offenders(connection, check, status_ids=None) for check in INTEGRITY_CHECKS]
    assert found == [[]] * len(INTEGRITY_CHECKS)

    books.load(MARCH_2, LAST_DAY)
    assert books.reasons() == {}
    assert books.value(5, "grand_total") == 150
    assert (
        len(books.query("FROM accounting.order_movements WHERE order_id = 5 AND kind = 'sum_changed'")) == 1
    )


def test_a_program_that_fails_on_many_orders_is_wrong(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the load fails as a whole: orders that nothing is wrong with are not turned away one after the other."""
    many = range(1, MOST_REFUSED + 2)
    for order_id in many:
        books.order(order_id)
    monkeypatch.setattr(documents, "derive_documents", failing(derive_documents, *many))
    with pytest.raises(ExchangeError, match="Unexpected ZeroDivisionError"):
        books.load()
    monkeypatch.undo()
    assert books.load().orders_created == MOST_REFUSED + 1
    assert books.reasons() == {}


def test_a_full_disk_is_no_matter_of_an_order(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """No order is turned away because of it."""
    books.order(1)

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(documents, "derive_documents", full)
    with pytest.raises(DiskFullError):
        books.load()
    assert books.reasons() == {}
