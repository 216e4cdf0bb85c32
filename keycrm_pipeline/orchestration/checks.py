"""Asset checks: inconsistent books are errors; what needs attention is a warning with its first cases.

A check reads the stored tables and changes nothing. No personal data: ids only, and where to read more.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from keycrm_pipeline.orchestration.profile_assets import ProfileAssets
from keycrm_pipeline.period import Period
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.warehouse import review
from keycrm_pipeline.warehouse.integrity import INTEGRITY_CHECKS, offenders

MOST_CASES = 20
"""Cases that a check shows; the review list has all of them."""


def build_checks(assets: ProfileAssets) -> list[dg.AssetChecksDefinition]:
    """The checks of one profile, all on its `orders`."""
    profile = assets.profile
    orders = assets.key("orders")
    specs = [
        *(
            dg.AssetCheckSpec(name, asset=orders, description=description)
            for name, description in INTEGRITY_CHECKS.items()
        ),
        *(
            dg.AssetCheckSpec(kind.name, asset=orders, description=kind.assertion)
            for kind in REVIEW_LIST.values()
        ),
        dg.AssetCheckSpec(
            "yesterday_is_loaded", asset=orders, description="Yesterday was loaded completely."
        ),
    ]

    @dg.multi_asset_check(name=f"{profile.name}_checks", specs=specs, pool=assets.pool)
    def books() -> Iterator[dg.AssetCheckResult]:
        from keycrm_pipeline.pipeline.selection import chosen_status_ids
        from keycrm_pipeline.warehouse.days import loaded_days

        with open_warehouse(assets.workspace).reading() as connection:
            for name in INTEGRITY_CHECKS:
                ids = offenders(connection, name, status_ids=chosen_status_ids(profile))
                yield dg.AssetCheckResult(
                    asset_key=orders,
                    check_name=name,
                    passed=not ids,
                    severity=dg.AssetCheckSeverity.ERROR,
                    metadata={"count": len(ids), "first ids": ", ".join(map(str, ids[:MOST_CASES]))},
                )
            for kind in REVIEW_LIST:
                rows = review.review_rows(connection, kind)
                yield dg.AssetCheckResult(
                    asset_key=orders,
                    check_name=kind,
                    passed=not rows,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"count": len(rows), "first cases": dg.MetadataValue.md(_cases(kind, rows))},
                )
            yesterday = datetime.now(UTC).astimezone(profile.zone).date() - timedelta(days=1)
            yield _freshness(orders, loaded_days(connection, Period(yesterday, yesterday)), yesterday)

    return [books]


def _cases(kind: str, rows: list[review.ReviewRow]) -> str:
    if not rows:
        return "None."
    # Text that people typed may contain anything.
    is_typed = REVIEW_LIST[kind].has_typed_subject
    lines = [
        f"| {'(see the review list)' if is_typed else row.subject} | {row.first_seen_at:%Y-%m-%d %H:%M} |"
        for row in rows[:MOST_CASES]
    ]
    return "\n".join(["| subject | first seen |", "|---|---|", *lines])


def _freshness(orders: dg.AssetKey, loaded: list[date], yesterday: date) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=orders,
        check_name="yesterday_is_loaded",
        passed=yesterday in loaded,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"day": yesterday.isoformat()},
    )
