"""One load: stages alone, days that were never fetched, and what makes a day count as loaded (R1)."""

from __future__ import annotations

import contextlib
from datetime import date, timedelta

import duckdb
import pytest

from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.pipeline.stages import STAGES, Stage, run_load
from keycrm_pipeline.pipeline.syncs import SYNCS
from keycrm_pipeline.run.errors import NeverFetchedError, StageSkippedError
from keycrm_pipeline.run.session import Plan, Services, Session
from keycrm_pipeline.schemas.ops import EXCHANGE_KINDS
from keycrm_pipeline_tests.payloads import offer_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv

DAY = timedelta(days=1)
BY_NAME = {stage.name: stage for stage in STAGES}
DERIVED = [stage for stage in STAGES if stage.name != "raw_orders"]


def loaded_days(books: Books) -> list[date]:
    return [day for (day,) in books.rows("ops.loaded_days", "order_day")]


def test_stages_need_only_stages_before_them() -> None:
    """A tuple in order is the whole plan of a load."""
    before: set[str] = set()
    for stage in STAGES:
        assert set(stage.needs) <= before, stage.name
        before.add(stage.name)


def test_every_kind_of_exchange_is_known_to_the_log() -> None:
    """The log's kinds are a load and the syncs."""
    assert ("period", *(sync.name for sync in SYNCS)) == EXCHANGE_KINDS


def test_the_file_is_free_while_the_catalogue_is_asked_for(books: Books) -> None:
    """In the middle of a load, between stages that keep it open: a BI query need not wait for KeyCRM."""
    found = []

    def look(_page: int, path: str) -> None:
        if path == "/products/categories":
            # A list of the beginning.
            return
        # Nobody else has it open: this process could not open it a second time either.
        with contextlib.closing(duckdb.connect(str(books.warehouse.path), read_only=True)) as connection:
            found.append(connection.execute("SELECT count(*) FROM validated.orders").fetchall())

    books.order(1, lines=[{"name": "Чашка", "offer": offer_payload(1010, 101, sku="CUP"), "price": 100}])
    books.api.faults.path_prefix = "/products"
    books.api.faults.on_page = look
    services = Services(clock=lambda: books.now, open_client=lambda _workspace: books.client())
    period = Period(MARCH_2, MARCH_2)
    with exchange(books.workspace, Plan("period", "run", period), services) as session:
        for _ in run_load(session, period):
            pass
    assert found
    assert set(map(str, found)) == {"[(1,)]"}


@pytest.mark.parametrize("stage", DERIVED, ids=lambda stage: stage.name)
def test_a_stage_alone_refuses_a_day_that_was_never_fetched(books: Books, stage: Stage) -> None:
    """One natural click must not lose a day: it fails in words, writes nothing, and the day stays to be loaded."""
    books.order(1)
    books.load(MARCH_2 + DAY)
    before = books.tables()
    with pytest.raises(NeverFetchedError) as caught:
        books.load(MARCH_2, stages=[stage])
    assert str(caught.value).startswith(
        f"These days were never fetched from KeyCRM: 2026-03-02. {stage.name} "
    )
    assert "shop_load" in str(caught.value)
    assert books.tables() == before
    assert loaded_days(books) == [MARCH_2 + DAY]
    ((status,),) = books.rows("ops.exchanges", "status", "exchange_id = 2")
    assert status == "failed"


def test_a_range_with_a_hole_names_the_days_of_the_hole(books: Books) -> None:
    """Of ten days two were never fetched: these are named, as ranges, and nothing of the others is done."""
    books.load(date(2026, 3, 1), date(2026, 3, 4))
    books.load(date(2026, 3, 6), date(2026, 3, 7))
    with pytest.raises(NeverFetchedError, match="2026-03-05, 2026-03-08 to 2026-03-10"):
        books.load(date(2026, 3, 1), date(2026, 3, 10), stages=DERIVED)


def test_all_stages_after_the_extraction_work_on_fetched_days(books: Books) -> None:
    """What was fetched is derived again without the extraction, for a range and stage by stage."""
    for order_id in (1, 2):
        books.order(order_id, kyiv(2026, 3, 1 + order_id))
    books.load(MARCH_2, MARCH_2 + DAY)
    before = books.tables(["accounting"])
    books.load(MARCH_2, MARCH_2 + DAY, stages=DERIVED)
    for stage in DERIVED:
        books.load(MARCH_2 + DAY, stages=[stage])
    assert books.tables(["accounting"]) == before


def test_extraction_alone_does_not_make_a_day_loaded(books: Books) -> None:
    """Its orders are stored and not in the books: the day is loaded once every stage has worked on it."""
    books.order(1)
    books.load(MARCH_2, stages=STAGES[:1])
    assert loaded_days(books) == []
    assert books.rows("ops.fetched_days", "order_day, stages") == [(MARCH_2, ["raw_orders"])]
    books.load(MARCH_2, stages=DERIVED)
    assert loaded_days(books) == [MARCH_2]
    assert books.rows("orders", "order_id") == [(1,)]


def test_documents_are_not_derived_from_orders_that_were_not_validated(books: Books) -> None:
    """Fetched, but not validated: `orders` alone would find nothing and call the day loaded, with no order in it."""
    books.order(1)
    books.load(MARCH_2, stages=STAGES[:1])
    with pytest.raises(StageSkippedError, match=r"\(statuses, sources, partners, products\)"):
        books.load(MARCH_2, stages=[BY_NAME["orders"]])
    with pytest.raises(StageSkippedError, match=r"\(validated_orders\)"):
        books.load(MARCH_2, stages=[BY_NAME["partners"]])
    assert loaded_days(books) == []


def test_a_load_that_fetches_cannot_leave_out_a_stage_between(books: Books) -> None:
    """What ran on an earlier fetch does not cover a new one: order 2 would be lost, and its day loaded."""
    books.order(1)
    books.load(MARCH_2)
    books.order(2)
    with pytest.raises(StageSkippedError, match=r"2026-03-02: .*\(statuses, sources, partners, products\)"):
        books.load(MARCH_2, stages=[BY_NAME["raw_orders"], BY_NAME["orders"]])
    assert books.rows("raw.orders", "order_id") == [(1,)]
    books.load(MARCH_2)
    assert books.rows("orders", "order_id") == [(1,), (2,)]


def test_a_day_that_is_fetched_again_needs_its_stages_again(books: Books) -> None:
    """The stages worked on what was fetched before: an order that came since is in none of their tables."""
    books.order(1)
    books.load()
    books.order(2)
    books.load(stages=STAGES[:1])
    with pytest.raises(StageSkippedError):
        books.load(stages=[BY_NAME["orders"]])
    books.load(stages=DERIVED)
    assert books.rows("orders", "order_id") == [(1,), (2,)]


def test_a_load_that_fails_in_a_stage_goes_on_with_that_stage(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stages before it are done: what is repeated need not begin with the extraction."""
    from keycrm_pipeline.pipeline import products

    books.order(1)

    def fail(_session: Session, _period: Period | None) -> None:
        raise ValueError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr(products, "run", fail)
        with pytest.raises(Exception, match="Unexpected ValueError"):
            books.load()
    assert loaded_days(books) == []
    books.api.forget_requests()
    books.load(stages=[BY_NAME["products"], BY_NAME["orders"]])
    assert loaded_days(books) == [MARCH_2]
    assert books.rows("orders", "order_id") == [(1,)]
