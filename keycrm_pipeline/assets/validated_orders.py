"""Asset `validated_orders`: payloads turned into typed rows; what fails goes to the rejected records."""

import dagster as dg

from keycrm_pipeline.assets.stage import ProfileAssets, period, report_days, report_run
from keycrm_pipeline.orchestration.failures import told_to_dagster
from keycrm_pipeline.run.session import exchange_step
from keycrm_pipeline.schemas.validated import VALIDATED_ORDERS


def build_validated_orders(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The asset for one profile."""

    @assets.stage("validated_orders", VALIDATED_ORDERS, kinds={"duckdb", "pandera"}, deps=["raw_orders"])
    def validated_orders(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Orders that passed validation: header, lines, payments, shipping and buyer as typed rows.

        An order that fails goes whole to ops.rejected_records with every reason; the rest of the day goes on.
        """
        from keycrm_pipeline.pipeline.validation import validate_period
        from keycrm_pipeline.warehouse.validated import accepted_by_day, rejected_by_day

        first_day, last_day = period(context)
        with told_to_dagster(context), exchange_step(assets.plan(context), "validated_orders") as step:
            with step.warehouse.writing() as connection:
                counts = validate_period(
                    connection,
                    assets.profile,
                    first_day,
                    last_day,
                    exchange_id=step.exchange_id,
                    now=step.now,
                )
                accepted = accepted_by_day(connection, first_day, last_day)
                rejected = rejected_by_day(connection, first_day, last_day)
            step.count(orders_rejected=counts.rejected)
        report_days(
            context,
            lambda day: {
                "dagster/partition_row_count": accepted.get(day, 0),
                "rejected": rejected.get(day, 0),
            },
        )
        report_run(
            context,
            {
                "orders accepted": counts.accepted,
                "orders rejected": counts.rejected,
                "rows rewritten": counts.rewritten,
            },
        )
        return dg.MaterializeResult()

    return validated_orders
