"""KeyCRM's reference lists: statuses, sources, payment methods and what else orders refer to by id.

What is not here: reading them (`client`), and storing them (`pipeline.extraction`).
"""

from __future__ import annotations

from collections.abc import Mapping

REFERENCE_ROUTES: Mapping[str, str] = {
    "statuses": "/order/status",
    "sources": "/order/source",
    "payment_methods": "/order/payment-method",
    "delivery_services": "/order/delivery-service",
    "expense_types": "/order/expense-type",
    "users": "/users",
    "categories": "/products/categories",
    "companies": "/companies",
}
"""Name of a list -> its route."""

OPTIONAL = ("users", "delivery_services", "expense_types", "companies")
"""Lists that an exchange can do without: it continues if an account lacks the route or the route fails."""

INCLUDES: Mapping[str, str] = {"/companies": "custom_fields"}
"""Route of a list -> what is asked for with its rows."""
