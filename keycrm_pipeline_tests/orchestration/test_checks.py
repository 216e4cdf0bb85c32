"""The asset checks: in words, with their first cases, and to be run again after something was mended."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from keycrm_pipeline.orchestration import exchange_definitions
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.warehouse.integrity import INTEGRITY_CHECKS
from keycrm_pipeline_tests.orchestration.shop import QUIET, run_job
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks, person

ORDERS = dg.AssetKey(["shop", "orders"])


def run_checks(books: Books, instance: dg.DagsterInstance, *names: str) -> dict[str, dg.AssetCheckEvaluation]:
    """Runs the checks as the job does, or only some as on the page, and returns them by name."""
    definitions = exchange_definitions([books.profile], books.settings)
    result = (
        definitions.resolve_job_def("shop_checks")
        if not names
        else dg.Definitions.merge(
            definitions,
            dg.Definitions(
                jobs=[
                    dg.define_asset_job(
                        "some",
                        selection=dg.AssetSelection.checks(
                            *(dg.AssetCheckKey(ORDERS, name) for name in names)
                        ),
                    )
                ]
            ),
        ).resolve_job_def("some")
    ).execute_in_process(instance=instance, run_config=QUIET)
    assert result.success
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def first_cases(evaluation: dg.AssetCheckEvaluation) -> str:
    return str(evaluation.metadata["first cases"].value)


def test_the_job_runs_every_check_and_nothing_else(books: Books, instance: dg.DagsterInstance) -> None:
    """One click after something was mended; no load, no request."""
    books.order(1)
    books.load()
    asked = len(books.api.requests)
    assert set(run_checks(books, instance)) == {
        *INTEGRITY_CHECKS,
        *REVIEW_LIST,
        "keys_once",
        "yesterday_is_loaded",
        "disk_has_room",
        "closed_period_unchanged",
    }
    assert len(books.api.requests) == asked
    assert not instance.get_materialized_partitions(ORDERS)


def test_a_check_passes_again_after_something_was_mended(books: Books, instance: dg.DagsterInstance) -> None:
    """An order without a total is rejected; it is mended in KeyCRM and picked up, and the check is run alone."""
    books.order(7, grand_total=None)
    books.load()
    (rejected,) = run_checks(books, instance, "rejected_order").values()
    assert not rejected.passed
    assert rejected.metadata["count"].value == 1
    books.shop.replace_order(7, {"grand_total": 100})
    books.changes()
    assert [
        (name, evaluation.passed)
        for name, evaluation in run_checks(books, instance, "rejected_order").items()
    ] == [("rejected_order", True)]


def test_first_cases_have_reason_and_link(new_books: MakeBooks, instance: dg.DagsterInstance) -> None:
    """Whoever reads the check knows what is wrong with which order, and opens it with a click."""
    books = new_books(keycrm_url="https://shop.keycrm.app")
    books.order(7, grand_total=None)
    books.order(8, grand_total=999)
    books.load()
    checks = run_checks(books, instance, "rejected_order", "order_difference")
    assert (
        "| [7](https://shop.keycrm.app/app/orders/view/7) | Order 7 could not be loaded: The order has no total"
        in (first_cases(checks["rejected_order"]))
    )
    assert (
        "| [8](https://shop.keycrm.app/app/orders/view/8) | Order 8 does not add up in KeyCRM: its total differs from "
        "its lines by ₴899.00."
    ) in first_cases(checks["order_difference"])


def test_offenders_of_integrity_are_linked(new_books: MakeBooks, instance: dg.DagsterInstance) -> None:
    """A document whose sums were altered by hand."""
    books = new_books(keycrm_url="https://shop.keycrm.app")
    books.order(7)
    books.load()
    with books.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.orders SET goods_total = 1, difference = 99")
    (check,) = run_checks(books, instance, "sums").values()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert first_cases(check) == "[7](https://shop.keycrm.app/app/orders/view/7)"


def test_rows_with_the_same_key_are_found(books: Books, instance: dg.DagsterInstance) -> None:
    """In tables whose keys DuckDB does not hold; a lake holds none."""
    books.order(7)
    books.load()
    books.shop.replace_order(7, {"source_uuid": "№7"})
    books.load()
    (check,) = run_checks(books, instance, "keys_once").values()
    assert (check.passed, check.metadata["count"].value) == (True, 0)
    with books.warehouse.writing() as connection:
        connection.execute("INSERT INTO raw.order_versions FROM raw.order_versions")
    (check,) = run_checks(books, instance, "keys_once").values()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.metadata["first cases"].value == "raw.order_versions: 1"


def test_nothing_that_somebody_typed_is_shown(books: Books, instance: dg.DagsterInstance) -> None:
    """A name in the wrong field must not reach Dagster's history, which more people read than the books."""
    books.order(1, buyer=person(1, "Олена Коваль", "+380501112233"))
    books.order(2, buyer=person(2, "Петро Бондар", "+380501112233"))
    books.order(3, manager_id="Коваль Олена +380501112233")
    books.order(4, status_id=778, status={"id": 778, "name": "Дзвонити Коваль", "alias": "x", "group_id": 1})
    books.load()
    checks = run_checks(books, instance)
    shown = " ".join(str(value.value) for check in checks.values() for value in check.metadata.values())
    assert {name for name, check in checks.items() if not check.passed} >= {
        "rejected_order", "partner_name_conflict", "unmapped_status",
    }  # fmt: skip
    assert not any(word in shown for word in ("Коваль", "Бондар", "0501112233"))
    assert "| 3 | Order 3 could not be loaded: Cannot be read: manager_id «…»" in first_cases(
        checks["rejected_order"]
    )


def test_changes_in_the_closed_period_warn_and_stop_nothing(
    new_books: MakeBooks, instance: dg.DagsterInstance
) -> None:
    """An order of 100 is worth 90 after its month was closed: the load succeeds, and the check leads to the order."""
    books = new_books(closed_until="2026-03-31", keycrm_url="https://shop.keycrm.app")
    books.order(7, payments=[])
    books.load()
    (check,) = run_checks(books, instance, "closed_period_unchanged").values()
    assert (check.passed, check.metadata["count"].value, first_cases(check)) == (True, 0, "None.")
    books.shop.replace_order(7, {"discount_amount": 10, "total_discount": 10, "grand_total": 90})
    books.changes()
    (check,) = run_checks(books, instance, "closed_period_unchanged").values()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["count"].value == 1
    assert "| [7](https://shop.keycrm.app/app/orders/view/7) | " in first_cases(check)
    assert "₴100.00" in first_cases(check)
    assert "₴90.00" in first_cases(check)


DAY = Period(date(2026, 3, 28), date(2026, 3, 28))


def test_a_load_shows_the_outcome_of_every_check(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """The same as the job shows a moment later, and each takes one event of the load."""
    result = run_job(workspace, instance, "load", DAY)
    assert result.success
    after = run_job(workspace, instance, "checks").get_asset_check_evaluations()
    assert len(after) == len(INTEGRITY_CHECKS) + len(REVIEW_LIST) + 4
    assert [
        (check.asset_key, check.check_name, check.passed, check.severity)
        for check in result.get_asset_check_evaluations()
    ] == [(check.asset_key, check.check_name, check.passed, check.severity) for check in after]
    assert not instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)


def test_stages_before_the_documents_run_no_checks(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """The checks are about the documents, which such a run does not touch."""
    assert not run_job(workspace, instance, "load", DAY, stages=["raw_orders"]).get_asset_check_evaluations()


def test_a_load_whose_checks_cannot_be_read_has_succeeded(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program may open the file just then: the orders are loaded, and Dagster must not load them again."""

    def fail(_connection: object) -> dict[str, int]:
        raise OSError

    monkeypatch.setattr("keycrm_pipeline.warehouse.attention.review_counts", fail)
    result = run_job(workspace, instance, "load", DAY)
    assert result.success
    assert not result.get_asset_check_evaluations()
    assert any("Run the job shop_checks." in entry.user_message for entry in instance.all_logs(result.run_id))


def test_checks_are_named_in_words(books: Books) -> None:
    """A name has to be an identifier; what it is about stands first in the description."""
    graph = exchange_definitions([books.profile], books.settings).resolve_asset_graph()
    described = {key.name: str(graph.get_check_spec(key).description) for key in graph.asset_check_keys}
    assert described["rejected_order"].startswith(
        "Orders that could not be loaded.\n\nEvery order could be loaded. "
    )
    assert all(description.endswith(".") for description in described.values())
    assert len(described) == len(INTEGRITY_CHECKS) + len(REVIEW_LIST) + 4


def test_yesterday_is_looked_at_in_the_shop_s_time_zone(books: Books, instance: dg.DagsterInstance) -> None:
    """Loaded yesterday: passes; the days before do not count."""
    yesterday: Any = datetime.now(UTC).astimezone(books.profile.zone).date()
    yesterday = date.fromordinal(yesterday.toordinal() - 1)
    books.order(1)
    books.load()
    (check,) = run_checks(books, instance, "yesterday_is_loaded").values()
    assert (check.passed, check.metadata["day"].value) == (False, str(yesterday))
    books.load(yesterday)
    (check,) = run_checks(books, instance, "yesterday_is_loaded").values()
    assert check.passed


def test_a_disk_that_is_almost_full_is_a_warning(
    books: Books, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes before the exchange fails: on this disk there is room, and would not be if more had to be free."""
    books.order(1)
    books.load()
    (check,) = run_checks(books, instance, "disk_has_room").values()
    assert (check.passed, check.metadata["should be free MB"].value) == (True, 1000)
    monkeypatch.setattr("keycrm_pipeline.run.space.LEAST_FREE_BYTES", 10**18)
    (check,) = run_checks(books, instance, "disk_has_room").values()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["should be free MB"].value == 10**12
