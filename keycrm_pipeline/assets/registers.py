"""Assets `statuses`, `sources`, `partners`, `products`: registers of cards, found or made for a period's orders.

Registers are partitioned by day like the orders they serve: a day's materialization tells the cards of the run.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dagster as dg

from keycrm_pipeline.assets.stage import ProfileAssets, environment, period, report_run
from keycrm_pipeline.orchestration.failures import RETRY, told_to_dagster
from keycrm_pipeline.run.session import exchange_step
from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.accounting import PARTNERS, PRODUCTS, SOURCES, STATUSES

if TYPE_CHECKING:
    from keycrm_pipeline.pipeline.registers import CardCounts


def _numbers(counts: "CardCounts") -> dict[str, int]:
    return {"cards new": counts.created, "cards changed": counts.updated, "cards used": counts.used}


def build_lists(assets: ProfileAssets) -> list[dg.AssetsDefinition]:
    """The assets of one profile's lists that KeyCRM names: statuses and sources."""

    def derive_statuses(**window: Any) -> "CardCounts":
        from keycrm_pipeline.pipeline import registers

        return registers.derive_statuses(profile=assets.profile, **window)

    def derive_sources(**window: Any) -> "CardCounts":
        from keycrm_pipeline.pipeline import registers

        return registers.derive_sources(**window)

    return [
        _build_list(
            assets,
            "statuses",
            STATUSES,
            "Order statuses of KeyCRM with their stage (Етап) in the accounting system.",
            derive_statuses,
        ),
        _build_list(
            assets,
            "sources",
            SOURCES,
            "Sources of orders (Джерело): sites, marketplaces, shops, with their currency.",
            derive_sources,
        ),
    ]


def _build_list(
    assets: ProfileAssets,
    name: str,
    table: Table,
    description: str,
    derive: Callable[..., "CardCounts"],
) -> dg.AssetsDefinition:
    @assets.stage(name, table, kinds={"duckdb"}, deps=["validated_orders"], description=description)
    def register(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        first_day, last_day = period(context)
        with (
            told_to_dagster(context),
            exchange_step(assets.plan(context), name) as step,
            step.warehouse.writing() as connection,
        ):
            counts = derive(
                connection=connection,
                first_day=first_day,
                last_day=last_day,
                exchange_id=step.exchange_id,
            )
        report_run(context, _numbers(counts))
        return dg.MaterializeResult()

    return register


def build_partners(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset for one profile."""

    @assets.stage("partners", PARTNERS, kinds={"duckdb"}, deps=["validated_orders"])
    def partners(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Partner cards (Партнер) of the buyers, found by link, phone or e-mail, or made when there is none."""
        from keycrm_pipeline.pipeline.registers import chosen_status_ids, derive_partners
        from keycrm_pipeline.warehouse.cards import select_orders

        first_day, last_day = period(context)
        with (
            told_to_dagster(context),
            exchange_step(assets.plan(context), "partners") as step,
            step.warehouse.writing() as connection,
        ):
            select_orders(
                connection,
                first_day,
                last_day,
                exchange_id=step.exchange_id,
                status_ids=chosen_status_ids(assets.profile),
            )
            counts = derive_partners(connection, assets.profile, now=step.now)
            step.count(partners_created=counts.created)
        report_run(context, _numbers(counts))
        return dg.MaterializeResult()

    return partners


def build_products(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset for one profile."""

    @assets.stage(
        "products", PRODUCTS, kinds={"keycrm", "duckdb"}, deps=["validated_orders"], retry_policy=RETRY
    )
    def products(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Product cards: Товар, Товар з SKU with its variants, Послуга.

        KeyCRM's catalogue is asked, 50 products at a time, only for products that are not known yet or that a line
        contradicts.
        """
        from keycrm_pipeline.pipeline.products import (
            derive_products,
            fetch_catalogue,
            missing_products,
            read_items,
        )
        from keycrm_pipeline.pipeline.registers import chosen_status_ids
        from keycrm_pipeline.run.client import open_client
        from keycrm_pipeline.warehouse.cards import select_orders

        first_day, last_day = period(context)
        with told_to_dagster(context), exchange_step(assets.plan(context), "products") as step:
            with step.warehouse.writing() as connection:
                select_orders(
                    connection,
                    first_day,
                    last_day,
                    exchange_id=step.exchange_id,
                    status_ids=chosen_status_ids(assets.profile),
                )
                items = read_items(connection)
                unknown = missing_products(connection, items)
            if unknown:
                with open_client(assets.profile, environment()) as client:
                    try:
                        fetch_catalogue(step.warehouse, client, unknown, now=step.now)
                    finally:
                        step.count(requests=client.statistics.requests)
            with step.warehouse.writing() as connection:
                counts = derive_products(connection, assets.profile, items, now=step.now)
            step.count(products_created=counts.created)
        report_run(context, {**_numbers(counts), "products asked of KeyCRM": len(unknown)})
        return dg.MaterializeResult()

    return products
