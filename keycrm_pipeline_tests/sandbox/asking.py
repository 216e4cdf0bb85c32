"""What requests to the sandbox have in common in these tests: the moment, the includes and the key."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EVERYTHING = (
    "buyer,products.offer,manager,tags,status,marketing,payments,shipping.lastHistory,shipping.deliveryService,"
    "expenses,custom_fields,assigned"
)
KEY = {"Authorization": "Bearer any-key"}
