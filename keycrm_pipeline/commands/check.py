"""`check`: tries key and connection, and lists everything one needs to fill in a profile ("Показати статуси")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keycrm_pipeline.books.statuses import group_name, source_name, status_name
from keycrm_pipeline.crm.errors import AuthenticationError, RequestRefused
from keycrm_pipeline.exchange.crm import open_client
from keycrm_pipeline.exchange.extraction import OPTIONAL, REFERENCE_ROUTES
from keycrm_pipeline.profile import Profile

CHECKED = ("statuses", "sources", "categories", "users", "payment_methods", "delivery_services")


@dataclass
class AccountCheck:
    """What KeyCRM lists, and what the profile maps it to.

    Attributes:
        lists: List name -> rows, each with `id`, `name` and what the profile makes of it.
        refused: Lists that KeyCRM did not give, with the reason.
        unmapped: What has no mapping, in words.
        problems: What must be mended before a load, in words.
    """

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        """Whether a load can be started."""
        return not self.problems


def _category_path(category_id: int, rows: Mapping[int, Mapping[str, Any]]) -> list[int]:
    path: list[int] = []
    current: int | None = category_id
    while current is not None and current in rows and current not in path:
        path.append(current)
        current = rows[current].get("parent_id")
    return path


def check_account(profile: Profile, environ: Mapping[str, str]) -> AccountCheck:
    """Reads every reference list of the account and compares it with the profile.

    Raises:
        MissingKeyError: No key is set.
        KeyCrmError: The key is refused, or KeyCRM cannot be reached.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    check = AccountCheck()
    with open_client(profile, environ) as client:
        for list_name in CHECKED:
            try:
                found[list_name] = client.reference_rows(REFERENCE_ROUTES[list_name])
            except (AuthenticationError, RequestRefused) as error:
                if list_name not in OPTIONAL:
                    raise
                check.refused[list_name] = str(error)
    _compare(profile, found, check)
    return check


def _compare(profile: Profile, found: Mapping[str, list[dict[str, Any]]], check: AccountCheck) -> None:
    stages = profile.statuses.stages
    for row in found["statuses"]:
        status_id = int(row["id"])
        name = status_name(row.get("name"), row.get("alias")) or str(status_id)
        chosen = profile.statuses.load == "all" or status_id in profile.statuses.load
        check.lists.setdefault("statuses", []).append(
            {
                "id": status_id,
                "name": name,
                "group": group_name(row.get("group_id")),
                "stage": stages.get(status_id),
                "is_loaded": chosen,
            }
        )
        if status_id not in stages:
            check.unmapped.append(f"status {status_id} «{name}» has no stage (statuses.stages)")
            if profile.statuses.require_mapping:
                check.problems.append(
                    f"Status {status_id} «{name}» has no stage, and statuses.require_mapping is true."
                )
    for row in found["sources"]:
        check.lists.setdefault("sources", []).append(
            {
                "id": int(row["id"]),
                "name": source_name(int(row["id"]), row.get("name")),
                "driver": row.get("driver"),
                "currency": row.get("currency_code"),
            }
        )
    categories = {int(row["id"]): row for row in found["categories"]}
    for category_id, row in categories.items():
        check.lists.setdefault("categories", []).append(
            {
                "id": category_id,
                "name": row.get("name"),
                "parent_id": row.get("parent_id"),
                "is_service": any(
                    part in profile.service_categories for part in _category_path(category_id, categories)
                ),
            }
        )
    check.problems += [
        f"Category {category_id} of service_categories is not in KeyCRM."
        for category_id in profile.service_categories
        if category_id not in categories
    ]
    for row in found.get("users", []):
        manager_id = int(row["id"])
        check.lists.setdefault("managers", []).append(
            {"id": manager_id, "name": row.get("full_name"), "user": profile.managers.get(manager_id)}
        )
        if manager_id not in profile.managers:
            check.unmapped.append(f"manager {manager_id} is mapped to no user (managers)")
    for row in found["payment_methods"]:
        method_id = int(row["id"])
        check.lists.setdefault("payment_methods", []).append(
            {"id": method_id, "name": row.get("name"), "account": profile.accounts.get(method_id)}
        )
        if method_id not in profile.accounts:
            check.unmapped.append(f"payment method {method_id} is mapped to no account (accounts)")
    for row in found.get("delivery_services", []):
        check.lists.setdefault("delivery_services", []).append({"id": int(row["id"]), "name": row.get("name")})


def as_json(profile: Profile, check: AccountCheck) -> dict[str, Any]:
    """The check as `--json` prints it."""
    return {
        "profile": profile.name,
        "status": "ready" if check.is_ready else "not_ready",
        **{name: check.lists.get(name, []) for name in (
            "statuses", "sources", "categories", "managers", "payment_methods", "delivery_services"
        )},
        "refused": check.refused,
        "unmapped": check.unmapped,
        "problems": check.problems,
        "error": " ".join(check.problems) or None,
    }
