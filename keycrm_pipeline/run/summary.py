"""The exchange summary: what a load did and what needs attention, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.warehouse import exchanges
from keycrm_pipeline.warehouse.exchanges import Exchange
from keycrm_pipeline.warehouse.sums import PeriodSums, period_sums

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class ExchangeSummary:
    """One exchange, with the sums of its period and what needs attention.

    Attributes:
        exchange: The row of the log.
        sums: Currency -> sums of the period's orders; empty for a sync or a rebuild.
        review: What needs attention, by kind.
    """

    exchange: Exchange
    sums: Mapping[str, PeriodSums] = field(default_factory=dict)
    review: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """How long the exchange took; None while it runs."""
        if self.exchange.finished_at is None:
            return None
        return round((self.exchange.finished_at - self.exchange.started_at).total_seconds(), 1)

    def as_json(self) -> dict[str, Any]:
        """The summary as `--json` prints it: sums as text, days as YYYY-MM-DD."""
        exchange = self.exchange
        return {
            "exchange_id": exchange.exchange_id,
            "profile": exchange.profile,
            "run_id": exchange.run_id,
            "kind": exchange.kind,
            "status": exchange.status,
            "period_from": _iso(exchange.period_from),
            "period_to": _iso(exchange.period_to),
            "started_at": _iso(exchange.started_at),
            "finished_at": _iso(exchange.finished_at),
            **exchange.counts,
            "seconds": self.seconds,
            **sums_as_json(self.sums),
            "review": dict(self.review),
            "error": exchange.error,
        }


def sums_as_json(sums: Mapping[str, PeriodSums]) -> dict[str, dict[str, str]]:
    """The sums of a period by their names; `totals` are those of all orders."""
    return {
        "totals": {currency: str(row.all_orders.amount) for currency, row in sums.items()},
        "sales": {currency: str(row.sales.amount) for currency, row in sums.items()},
        "cancelled": {currency: str(row.cancelled.amount) for currency, row in sums.items()},
        "exported": {currency: str(row.exported.amount) for currency, row in sums.items()},
        "held_back": {currency: str(row.all_held_back.amount) for currency, row in sums.items()},
    }


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def summarise(connection: duckdb.DuckDBPyConnection, exchange: Exchange) -> ExchangeSummary:
    """The summary of an exchange of the log."""
    sums = period_sums(connection, exchange.period) if exchange.period is not None else {}
    return ExchangeSummary(exchange=exchange, sums=sums, review=exchanges.review_counts(connection))
