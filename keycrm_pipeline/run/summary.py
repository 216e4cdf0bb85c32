"""The exchange summary: what a load did and what needs attention, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.warehouse import exchanges
from keycrm_pipeline.warehouse.exchanges import Exchange

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class ExchangeSummary:
    """One exchange, with the sums of its period and what needs attention.

    Attributes:
        exchange: The row of the log.
        totals: Grand totals of the period's documents by currency, in that currency.
        review: What needs attention, by kind.
    """

    exchange: Exchange
    totals: dict[str, Decimal]
    review: dict[str, int]

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
            "totals": {currency: str(total) for currency, total in self.totals.items()},
            "review": self.review,
            "error": exchange.error,
        }


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def summarise(connection: duckdb.DuckDBPyConnection, exchange: Exchange) -> ExchangeSummary:
    """The summary of an exchange of the log."""
    totals: dict[str, Decimal] = {}
    if exchange.period is not None:
        totals = exchanges.totals(connection, exchange.period)
    return ExchangeSummary(exchange=exchange, totals=totals, review=exchanges.review_counts(connection))
