"""Asset `raw_orders`: KeyCRM's orders of a period, every payload as it came."""

import dagster as dg

from keycrm_pipeline.assets.stage import ProfileAssets, environment, period, report_days, report_run, tell
from keycrm_pipeline.orchestration.failures import RETRY, told_to_dagster
from keycrm_pipeline.run import progress
from keycrm_pipeline.run.session import exchange_step
from keycrm_pipeline.schemas.raw import RAW_ORDERS


def build_raw_orders(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset for one profile."""

    @assets.stage("raw_orders", RAW_ORDERS, kinds={"keycrm", "duckdb"}, retry_policy=RETRY)
    def raw_orders(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Orders of KeyCRM exactly as they came, each under its own local day.

        A load that dies goes on where it stopped; payloads that did not change are not written again.
        """
        first_day, last_day = period(context)
        with told_to_dagster(context), exchange_step(assets.plan(context), "raw_orders") as step:
            # Within the exchange, whose row says when the work began.
            from keycrm_pipeline.pipeline.extraction import extract_period
            from keycrm_pipeline.run.client import open_client
            from keycrm_pipeline.warehouse.raw import orders_by_day

            with open_client(assets.profile, environment()) as client:
                try:
                    counts = extract_period(
                        step.warehouse,
                        assets.profile,
                        client,
                        first_day,
                        last_day,
                        exchange_id=step.exchange_id,
                        now=step.now,
                        progress=progress.report,
                    )
                finally:
                    step.count(requests=client.statistics.requests)
                step.count(
                    orders_seen=counts.orders_seen,
                    orders_unchanged=counts.unchanged_outside,
                    orders_rejected=counts.rejected,
                )
                with step.warehouse.reading() as connection:
                    days = orders_by_day(connection, first_day, last_day)
                statistics = client.statistics
        if counts.unconfirmed:
            tell(
                context,
                "Booked orders of the period that did not come back from KeyCRM: more than "
                f"{assets.profile.sweep.most_missing} (sweep.most_missing). A "
                "short list is no proof, so none was marked; the sweep names them.",
            )
        report_days(context, lambda day: {"dagster/partition_row_count": days.get(day, 0)})
        report_run(
            context,
            {
                "orders seen": counts.orders_seen,
                "payloads new": counts.created,
                "payloads changed": counts.updated,
                "pages kept from an earlier attempt": counts.pages_resumed,
                "orders gone from KeyCRM": counts.missing,
                "orders not confirmed": counts.unconfirmed,
                "requests": statistics.requests,
                "retries": statistics.retries,
                "seconds waited for the request limit": round(statistics.waited_seconds, 1),
            },
        )
        return dg.MaterializeResult()

    return raw_orders
