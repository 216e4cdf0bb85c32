"""`check`: tests key and connection, and lists everything needed to fill in a profile ("Показати статуси")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keycrm_pipeline.accounting.payment_methods import proposed_kind
from keycrm_pipeline.accounting.statuses import group_name, source_name, status_name
from keycrm_pipeline.commands.output import reading_as_json
from keycrm_pipeline.language import _
from keycrm_pipeline.pipeline.catalogue_files import (
    CatalogueFilesError,
    find_catalogue_files,
    read_catalogue,
)
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.reading import Books
from keycrm_pipeline.reading.databases import has_books
from keycrm_pipeline.run.account import Rows, read_account
from keycrm_pipeline.run.client import open_client
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.readings import KnownReading, current_reading


@dataclass
class AccountCheck:
    """What KeyCRM lists, and what the profile maps it to.

    Attributes:
        lists: List name -> rows, each with `id`, `name` and what the profile maps it to.
        refused: Lists that KeyCRM did not return, with the reason; a load does not need them.
        catalogue_cards: File of the accounting catalogue (R12) -> number of cards in it.
        unmapped: One sentence for each unmapped row; defaults are used for it.
        unknown: One sentence for each id that is mapped but not in KeyCRM.
        problems: One sentence for each problem that must be fixed before a load.
        reading: The date that KeyCRM's filter `created_between` was found to go by, according to the books.
    """

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    catalogue_cards: dict[str, int] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reading: KnownReading | None = None

    @property
    def is_ready(self) -> bool:
        """Whether a load can start."""
        return not self.problems


def check_account(workspace: Workspace, environ: Mapping[str, str]) -> AccountCheck:
    """Compares the account's reference lists with the profile, and reads the catalogue files.

    Raises:
        MissingKeyError: No usable key is set.
        KeyCrmError: The key is refused, or KeyCRM cannot be reached.
    """
    profile = workspace.profile
    with open_client(workspace, environ) as client:
        found, refused = read_account(client)
    check = AccountCheck(refused=refused, reading=_known_reading(workspace))
    _compare_statuses(profile, found["statuses"], check)
    check.lists["sources"] = [
        {
            "id": row["id"],
            "name": source_name(row["id"], row.get("name")),
            "driver": row.get("driver"),
            "currency": row.get("currency_code"),
        }
        for row in found["sources"]
    ]
    for name, organisation in profile.organisations.items():
        check.unknown += _unknown(
            f"organisations.{name}.sources", organisation.sources, [row["id"] for row in found["sources"]]
        )
    _compare_categories(profile, found["categories"], check)
    _compare_managers(profile, found.get("users"), check)
    _compare_payment_methods(profile, found["payment_methods"], check)
    check.lists["delivery_services"] = [
        {"id": row["id"], "name": row.get("name")} for row in found.get("delivery_services", [])
    ]
    _read_catalogue_files(workspace, check)
    return check


def _known_reading(workspace: Workspace) -> KnownReading | None:
    """What the books know; None also while they are in use: a check must not wait for a load."""
    try:
        if not has_books(workspace):
            return None
        with Books(workspace, wait_seconds=0).reading() as connection:
            return current_reading(connection)
    except WarehouseError:
        return None


def _unknown(setting: str, named: Iterable[int], listed: Iterable[int]) -> list[str]:
    return [
        _("{setting} contains {number}, which is not in KeyCRM.", setting=setting, number=number)
        for number in sorted({*named} - {*listed})
    ]


def _compare_statuses(profile: Profile, rows: Rows, check: AccountCheck) -> None:
    stages, load = profile.statuses.stages, profile.statuses.load
    listed = check.lists["statuses"] = [
        {
            "id": row["id"],
            "name": status_name(row.get("name"), row.get("alias")) or str(row["id"]),
            "group": group_name(row.get("group_id")),
            "stage": stages.get(row["id"]),
            "is_loaded": load == "all" or row["id"] in load,
        }
        for row in rows
    ]
    known = [status["id"] for status in listed]
    for status in listed:
        if status["id"] not in stages:
            values = {"number": status["id"], "name": status["name"]}
            check.unmapped.append(_("status {number} «{name}» has no stage (statuses.stages).", **values))
            if profile.statuses.require_mapping:
                check.problems.append(
                    _(
                        "status {number} «{name}» has no stage (statuses.stages), and statuses.require_mapping is "
                        "true.",
                        **values,
                    )
                )
    check.unknown += _unknown("statuses.stages", stages, known)
    if load != "all":
        check.problems += _unknown("statuses.load", load, known)


def _is_within(category_id: int, wanted: Iterable[int], rows: Mapping[int, Mapping[str, Any]]) -> bool:
    """Whether a category or one of its ancestors is among the wanted ones (R5)."""
    path: list[int] = []
    current: int | None = category_id
    while current is not None and current in rows and current not in path:
        path.append(current)
        current = rows[current].get("parent_id")
    return not set(path).isdisjoint(wanted)


def _compare_categories(profile: Profile, rows: Rows, check: AccountCheck) -> None:
    categories = {row["id"]: row for row in rows}
    check.lists["categories"] = [
        {
            "id": category_id,
            "name": row.get("name"),
            "parent_id": row.get("parent_id"),
            "is_service": _is_within(category_id, profile.service_categories, categories),
        }
        for category_id, row in categories.items()
    ]
    check.problems += _unknown("service_categories", profile.service_categories, categories)


def _compare_managers(profile: Profile, rows: Rows | None, check: AccountCheck) -> None:
    if rows is None:
        return
    managers = profile.managers
    listed = check.lists["managers"] = [
        {"id": row["id"], "name": row.get("full_name"), "user": managers.get(row["id"])} for row in rows
    ]
    check.unmapped += [
        _("manager {number} is not mapped to a user (managers).", number=row["id"])
        for row in listed
        if row["user"] is None
    ]
    check.unknown += _unknown("managers", managers, [row["id"] for row in listed])


def _compare_payment_methods(profile: Profile, rows: Rows, check: AccountCheck) -> None:
    accounts, methods = profile.method_accounts, profile.payment_methods
    kinds = {method: settings.kind for method, settings in methods.items()}
    listed = check.lists["payment_methods"] = [
        {
            "id": row["id"],
            "name": row.get("name"),
            "account": accounts.get(row["id"]),
            "kind": kinds.get(row["id"]),
        }
        for row in rows
    ]
    check.unmapped += [
        _("payment method {number} is not mapped to an account (accounts).", number=row["id"])
        for row in listed
        if row["account"] is None
    ]
    check.unmapped += [
        _(
            "payment method {number} has no kind (payment_methods); its name suggests {kind}.",
            number=row["id"],
            kind=proposed,
        )
        for row in listed
        if row["kind"] is None and (proposed := proposed_kind(row["name"] or ""))
    ]
    known = [row["id"] for row in listed]
    check.unknown += _unknown("accounts", profile.accounts, known)
    check.unknown += _unknown("payment_methods", methods, known)
    for name, organisation in profile.organisations.items():
        check.unknown += _unknown(
            f"organisations.{name}.payment_methods", organisation.payment_methods, known
        )


def _read_catalogue_files(workspace: Workspace, check: AccountCheck) -> None:
    try:
        rows = read_catalogue(find_catalogue_files(workspace))
    except CatalogueFilesError as error:
        check.problems.append(str(error))
    else:
        check.catalogue_cards = {name: len(cards) for name, cards in rows.items()}


def as_json(profile: Profile, check: AccountCheck) -> dict[str, Any]:
    """The result as `--json` prints it."""
    return {
        "profile": profile.name,
        "status": "ready" if check.is_ready else "not_ready",
        **{
            name: check.lists.get(name, [])
            for name in (
                "statuses",
                "sources",
                "categories",
                "managers",
                "payment_methods",
                "delivery_services",
            )
        },
        "created_between": reading_as_json(check.reading),
        "catalogue_cards": check.catalogue_cards,
        "refused": check.refused,
        "unmapped": check.unmapped,
        "unknown": check.unknown,
        "problems": check.problems,
        "error": " ".join(check.problems) or None,
    }
