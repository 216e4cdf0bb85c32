"""Asset `orders`: the finished order documents of a period."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from keycrm_pipeline.assets.stage import ProfileAssets, period, report_days, report_run
from keycrm_pipeline.orchestration.failures import told_to_dagster
from keycrm_pipeline.reports.summary import LoadCounts, load_summary_markdown, read_load_summary
from keycrm_pipeline.run.session import exchange_step
from keycrm_pipeline.schemas.accounting import ORDERS
from keycrm_pipeline.warehouse.exchanges import read_exchange

if TYPE_CHECKING:
    from keycrm_pipeline.pipeline.documents import DocumentCounts
    from keycrm_pipeline.warehouse.documents import DayTotal


def _day_numbers(
    day: date, counts: "DocumentCounts", rejected: int, totals: "Mapping[date, Sequence[DayTotal]]"
) -> dict[str, Any]:
    count = counts.days.get(day)
    numbers: dict[str, Any] = {
        "created": count.created if count else 0,
        "updated": count.updated if count else 0,
        "unchanged": count.unchanged if count else 0,
        "rejected": rejected,
        "dagster/partition_row_count": sum(total.orders for total in totals.get(day, ())),
    }
    for total in totals.get(day, ()):
        # Shown with its kopiykas: a float would lose them.
        numbers[f"sum {total.currency}"] = f"{total.grand_total:.2f}"
    return numbers


def build_orders(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset for one profile."""

    @assets.stage(
        "orders", ORDERS, kinds={"duckdb", "pandera"}, deps=["statuses", "sources", "partners", "products"]
    )
    def orders(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Order documents with goods lines, services tab and payments; money adds up to the kopiyka.

        A document that did not change is not written again; one that is booked always follows KeyCRM.
        """
        from keycrm_pipeline.pipeline.period import finish_period
        from keycrm_pipeline.warehouse.documents import day_totals
        from keycrm_pipeline.warehouse.validated import rejected_by_day

        first_day, last_day = period(context)
        totals: dict[date, list[DayTotal]] = {}
        with (
            told_to_dagster(context),
            exchange_step(assets.plan(context), "orders") as step,
            step.warehouse.writing() as connection,
        ):
            counts = finish_period(
                connection, assets.profile, first_day, last_day, exchange_id=step.exchange_id, now=step.now
            )
            step.count(
                orders_created=counts.created,
                orders_updated=counts.updated,
                orders_unchanged=counts.unchanged,
            )
            for total in day_totals(connection, first_day, last_day):
                totals.setdefault(total.order_day, []).append(total)
            rejected = rejected_by_day(connection, first_day, last_day)
            summary = read_load_summary(connection, first_day, last_day)
            exchange = read_exchange(connection, step.exchange_id)
        report_days(context, lambda day: _day_numbers(day, counts, rejected.get(day, 0), totals))
        report_run(
            context,
            {
                "summary": dg.MetadataValue.md(
                    load_summary_markdown(
                        summary,
                        LoadCounts(
                            orders_seen=exchange.orders_seen if exchange else 0,
                            orders_created=counts.created,
                            orders_updated=counts.updated,
                            orders_unchanged=counts.unchanged,
                            orders_rejected=exchange.orders_rejected if exchange else 0,
                            partners_created=exchange.partners_created if exchange else 0,
                            products_created=exchange.products_created if exchange else 0,
                            requests=exchange.requests if exchange else 0,
                        ),
                        language="en",
                        with_chart=True,
                    )
                )
            },
        )
        return dg.MaterializeResult()

    return orders
