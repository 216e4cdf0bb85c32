"""R9: statuses and sources are made by themselves, follow KeyCRM's names, and take the profile's stages."""

from __future__ import annotations

from typing import Any

import pytest

from keycrm_pipeline.run.errors import UnmappedStatusesError
from keycrm_pipeline.sandbox.payloads import source_payload, status_payload
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

UNLISTED_STATUS, UNLISTED_SOURCE = 24, 9


def statuses(books: Books, *status_ids: int) -> list[tuple[Any, ...]]:
    chosen = ", ".join(map(str, status_ids))
    return books.rows("statuses", "status_id, name, group_name, stage, is_mapped", f"status_id IN ({chosen})")


def test_names_stages_and_what_is_not_mapped(new_books: Any) -> None:
    """Standard statuses are shown in Ukrainian, own ones as named; unmapped ones that orders use wait for review."""
    books = new_books(statuses={"stages": {1: "Нове", 12: "Закрито"}})
    books.order(1, status_id=1)
    books.order(2, status_id=8)
    books.order(3, status_id=22, status=status_payload(22, "Повернення", group_id=6))
    # A status that KeyCRM's list no longer has: its name comes from the order.
    books.order(
        4, status_id=UNLISTED_STATUS, status=status_payload(UNLISTED_STATUS, "Дубль замовлення", group_id=6)
    )
    # Nobody names this one.
    books.order(5, status_id=77, status=None, status_group_id=3)
    books.load()
    assert statuses(books, 1, 8, 12, 22, UNLISTED_STATUS, 77) == [
        (1, "Новий", "Новий", "Нове", True),
        (8, "Передано в доставку", "Доставка", "Передано в доставку", False),
        (12, "Виконано", "Виконано", "Закрито", True),
        (22, "Повернення", "Скасовано", "Повернення", False),
        (24, "Дубль замовлення", "Скасовано", "Дубль замовлення", False),
        (77, "Статус 77", "Виробництво", "Статус 77", False),
    ]
    assert books.rows("orders", "stage") == [
        ("Нове",),
        ("Передано в доставку",),
        ("Повернення",),
        ("Дубль замовлення",),
        ("Статус 77",),
    ]
    # Only what the books have met.
    assert books.review("unmapped_status") == ["22", "24", "77", "8"]


def test_renamed_status_is_renamed_with_its_id_kept(books: Books) -> None:
    """A shop that saves a standard status under its own name sees that name, on its documents too."""
    books.order(1, status_id=1)
    books.load()
    books.shop.add_status(status_payload(1, "Щойно прийшло"))
    exchange = books.load()
    assert statuses(books, 1) == [(1, "Щойно прийшло", "Новий", "Щойно прийшло", False)]
    assert books.value(1, "stage") == "Щойно прийшло"
    assert exchange.orders_updated == 1


def test_mapping_a_status_settles_its_review(books: Books) -> None:
    """When the stage is written into the profile, the next load uses it and the entry goes."""
    books.order(1, status_id=8)
    books.load()
    assert books.review("unmapped_status") == ["8"]
    chosen = books.profile.statuses.model_copy(update={"stages": {8: "Відвантажено"}})
    books.profile = books.profile.model_copy(update={"statuses": chosen})
    books.load()
    assert books.value(1, "stage") == "Відвантажено"
    assert books.review("unmapped_status") == []


def test_sources_listed_forgotten_nameless_and_renamed(books: Books) -> None:
    """A source that only orders know becomes `Джерело <id>`; names follow KeyCRM's list."""
    books.shop.add_source(source_payload(4, None))
    books.order(1, source_id=2)
    books.order(2, source_id=UNLISTED_SOURCE)
    books.order(3, source_id=4)
    books.load()
    names = "source_id, name"
    assert books.rows("sources", names, "source_id IN (2, 4, 9)") == [
        (2, "Prom.ua"),
        (4, "Джерело 4"),
        (UNLISTED_SOURCE, "Джерело 9"),
    ]
    books.shop.add_source(source_payload(2, "Пром"))
    books.shop.remove_record("sources", 4)
    books.load()
    assert books.rows("sources", names, "source_id IN (2, 4, 9)") == [
        (2, "Пром"),
        (4, "Джерело 4"),
        (UNLISTED_SOURCE, "Джерело 9"),
    ]


def test_demanded_mapping_refuses_before_anything_is_written(new_books: Any) -> None:
    """`require_mapping`: every listed status without stage is named; no data is stored; a full one loads."""
    stages = {status_id: f"Стадія {status_id}" for status_id in (*range(1, 20), 21, 22)}
    del stages[5], stages[22]
    books = new_books(statuses={"stages": stages, "require_mapping": True})
    books.order(1)
    with pytest.raises(UnmappedStatusesError) as caught:
        books.load()
    assert "5 Передано у виробництво; 22 Повернення." in str(caught.value)
    written = {
        table.qualified_name
        for table in TABLES
        if books.query(f"SELECT count(*) FROM {table.qualified_name}") != [(0,)]  # noqa: S608 - ours
    }
    # The log, and the settings that the first documents will be derived with.
    assert written == {"ops.exchanges", "ops.derived_settings"}
    assert books.rows("ops.exchanges", "status, error") == [("failed", str(caught.value))]

    full = books.profile.statuses.model_copy(update={"stages": {**stages, 5: "Цех", 22: "Назад"}})
    books.profile = books.profile.model_copy(update={"statuses": full})
    assert books.load().orders_created == 1


def test_a_list_that_a_load_can_do_without_may_fail(books: Books) -> None:
    """KeyCRM's list of users gives a fault and no list: the orders are loaded all the same."""
    books.order(1)
    books.api.faults.update({"server_errors": 1000, "path_prefix": "/users"})
    assert books.load().orders_created == 1
