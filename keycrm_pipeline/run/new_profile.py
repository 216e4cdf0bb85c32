"""A new profile: reads the account that a key belongs to, then writes a commented file that lists everything in it.

For `init` and the exchange page alike. A key that was given is stored once KeyCRM has accepted it; a key of the
environment stays there. Nothing is half-written: either there is a profile with its key, or neither. What is not here:
who is asked for the key and the settings, and how the file is changed later (`profile.editing`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from keycrm_pipeline.accounting.payment_methods import proposed_kind
from keycrm_pipeline.accounting.statuses import group_name, status_name
from keycrm_pipeline.language import Language, _
from keycrm_pipeline.profile import (
    DEFAULT_BASE_URL,
    EARLIEST_START,
    NAME_PATTERN,
    SANDBOX,
    KeyNotStoredError,
    Profile,
    Settings,
    Workspace,
    create_private_file,
    is_possible_key,
    key_variable,
    load_profile,
    remove_stored_key,
    store_key,
)
from keycrm_pipeline.reading.databases import has_books
from keycrm_pipeline.run.account import Rows, read_account
from keycrm_pipeline.run.client import open_client

DEFAULT_PARTNER = "Роздрібний покупець"


class NewProfileError(Exception):
    """The profile cannot be created as requested; the text says what to do."""


class WrongNameError(NewProfileError):
    """A profile cannot have this name."""


class NameTakenError(NewProfileError):
    """There is a profile of this name, or a file in its place."""


class WrongKeyError(NewProfileError):
    """What was given as the key cannot be one; the text does not repeat it."""


class WrongDayError(NewProfileError):
    """The first day cannot be loaded."""


class UnwritableError(NewProfileError):
    """The file of the profile cannot be written."""


@dataclass(frozen=True)
class Choices:
    """Settings whose defaults suit most shops but that a person may want to change.

    Attributes:
        start_date: First day that can be loaded.
        default_partner: Partner for orders without a buyer; None to reject such orders.
        service_categories: Ids of categories of services.
    """

    start_date: date
    default_partner: str | None
    service_categories: tuple[int, ...] = ()


@dataclass(frozen=True)
class Connection:
    """How to reach the account.

    Attributes:
        base_url: URL of KeyCRM's API.
        requests_per_minute: Requests per minute allowed for the key; None for the default of the URL.
        key: The key that was typed or passed; None to look for one, see `profile.keys`.
    """

    base_url: str = DEFAULT_BASE_URL
    requests_per_minute: int | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NewProfile:
    """A profile that is about to be written.

    Attributes:
        workspace: The profile without what is mapped, and its places.
        found: The account's lists, see `account.read_account`.
        refused: Lists that KeyCRM did not return, with the reason.
        key: The key to store; None if the one that is used is kept elsewhere, or the demo shop needs none.
    """

    workspace: Workspace
    found: Mapping[str, Rows]
    refused: Mapping[str, str]
    key: str | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """The file of the profile."""
        return _path(self.workspace.profile.name, self.workspace.settings)


def check_first_day(day: date, today: date) -> None:
    """Refuses a first day that no profile may have, or from which nothing could be loaded yet.

    Raises:
        WrongDayError: It lies before all orders of KeyCRM, or in the future: the year is mistyped.
    """
    if not EARLIEST_START <= day <= today:
        raise WrongDayError(
            _(
                "Enter the first day that may be loaded, from {earliest} to today.",
                earliest=f"{EARLIEST_START:%d.%m.%Y}",
            )
        )


def default_choices(today: date) -> Choices:
    """What suits most shops: from the first day of this year, and a partner for orders without a buyer."""
    return Choices(date(today.year, 1, 1), DEFAULT_PARTNER)


def new_workspace(
    name: str, settings: Settings, connection: Connection, today: date, language: Language | None = None
) -> Workspace:
    """The profile-to-be: nothing is read or written.

    Raises:
        NewProfileError: The name cannot be used, the file exists, or the address is invalid.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise WrongNameError(
            _(
                "«{name}» is not a valid profile name. It must start with a-z and contain only a-z, "
                "0-9 and _, such as my_shop.",
                name=name,
            )
        )
    path = _path(name, settings)
    if path.exists():
        raise NameTakenError(
            _("{path} already exists and was not changed. Choose another name, or edit that file.", path=path)
        )
    return Workspace(_account(name, connection, today, language), settings)


def earlier_books(workspace: Workspace) -> str | None:
    """What to know of books that are there before their profile; None if there are none."""
    if not has_books(workspace):
        return None
    return _(
        "{path} has the orders of an earlier profile of this name, and they stay. If they are of another KeyCRM "
        "account, move that file away before you load: otherwise the orders of both are mixed.",
        path=workspace.database,
    )


def checked_key(key: str) -> str:
    """The key without surrounding whitespace.

    Raises:
        WrongKeyError: It cannot be one.
    """
    key = key.strip()
    if not is_possible_key(key):
        raise WrongKeyError(
            _("This is no API key: it is empty, or contains spaces or characters that no key has.")
        )
    return key


def read_new_profile(workspace: Workspace, environ: Mapping[str, str], key: str | None) -> NewProfile:
    """Reads the account.

    Args:
        workspace: See `new_workspace`.
        environ: The environment, which may contain the key.
        key: The key to read it with and to store; None for the one of the environment, or for the demo shop.

    Raises:
        MissingKeyError: There is no usable key.
        KeyCrmError: The key is refused, or KeyCRM cannot be reached.
    """
    place = environ if key is None else {key_variable(workspace.profile.name): key}
    with open_client(workspace, place) as client:
        found, refused = read_account(client)
    return NewProfile(workspace, found, refused, key)


def write_new_profile(new: NewProfile, choices: Choices) -> Path:
    """Stores the key and writes the file, readable only by its owner; never overwrites one.

    Raises:
        NewProfileError: The file exists by now, or cannot be written; a key that was stored is removed again.
        KeyNotStoredError: The key cannot be stored; no profile is written.
    """
    profile, settings = new.workspace.profile, new.workspace.settings
    if new.path.exists():
        raise NameTakenError(_("{path} already exists and was not changed.", path=new.path))
    if new.key is not None:
        store_key(profile.name, new.key, settings.data_directory)
    try:
        _write_new(new.path, profile_text(profile, choices, new.found, new.refused))
    except NewProfileError:
        if new.key is not None:
            with contextlib.suppress(KeyNotStoredError):
                remove_stored_key(profile.name, settings.data_directory)
        raise
    # Makes sure that the new profile is valid.
    load_profile(profile.name, settings)
    return new.path


def _path(name: str, settings: Settings) -> Path:
    return settings.profiles_directory / f"{name}.yaml"


def _account(name: str, connection: Connection, today: date, language: Language | None) -> Profile:
    url, requests = connection.base_url, connection.requests_per_minute
    limit = {} if requests is None else {"requests_per_minute": requests}
    try:
        return Profile.model_validate(
            {"name": name, "base_url": url, "start_date": today, "language": language, **limit}
        )
    except ValueError:
        raise NewProfileError(
            _(
                "«{url}» is not a valid address of KeyCRM's API. It must start with https:// (http:// "
                "only on this machine), or be `sandbox` for the demo shop.",
                url=url,
            )
        ) from None


def _write_new(path: Path, text: str) -> None:
    try:
        create_private_file(path, text)
    except OSError as error:
        # A file where the directory should be is reported as a file that exists.
        if path.exists():
            raise NameTakenError(_("{path} already exists and was not changed.", path=path)) from None
        raise UnwritableError(
            _("{path} cannot be written: {reason}.", path=path, reason=error.strerror)
        ) from None


def plain(value: object) -> str:
    """Text from the account on a single line, so that it cannot end a comment."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value or "")).split())


def _yaml(value: object) -> str:
    """A value as YAML: JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _mapping(setting: str, what: str, entries: Iterable[tuple[int, str, str]], indent: str = "") -> list[str]:
    """A setting whose entries are all comments; removing its # maps an entry."""
    lines = [f"{indent}  # {number}: {to}{note}" for number, to, note in entries]
    none = f"{indent}  # {_('KeyCRM lists none')}"
    return [f"{indent}# {what}", f"{indent}{setting}:", *(lines or [none])]


def _proposed(row: Mapping[str, Any], name_key: str, *, instead: str) -> tuple[int, str, str]:
    """A mapping entry that proposes KeyCRM's name, or, without one, the value used while it is unmapped."""
    name = plain(row.get(name_key))
    return (
        (row["id"], _yaml(name), "")
        if name
        else (row["id"], _yaml(instead), f"  # {_('has no name in KeyCRM')}")
    )


def _proposed_method(row: Mapping[str, Any], *, instead: str) -> tuple[int, str, str]:
    """The entry of a payment method, with the kind that its name suggests."""
    number, account, note = _proposed(row, "name", instead=instead)
    kind = proposed_kind(plain(row.get("name")))
    return number, f"{{account: {account}{f', kind: {kind}' if kind else ''}}}", note


def profile_text(
    account: Profile,
    choices: Choices,
    found: Mapping[str, Rows],
    refused: Mapping[str, str],
) -> str:
    """The profile as a commented YAML file.

    Args:
        account: Name and URL of the account.
        choices: The answers, or the defaults.
        found: The account's reference lists.
        refused: Lists that KeyCRM did not return, with the reason.
    """
    name = account.name
    partner = (
        f"default_partner: {_yaml(choices.default_partner)}"
        if choices.default_partner
        else f"# default_partner: {_yaml(DEFAULT_PARTNER)}"
    )
    key = (
        _("The demo shop of this program; it needs no API key.")
        if account.base_url == SANDBOX
        else _(
            "The API key is not here: `keycrm-pipeline key --profile {profile}` stores it in a file of its own.",
            profile=name,
        )
    )
    managers = _("KeyCRM user -> responsible user in the accounting system (Відповідальний).")
    if "managers" in refused:
        managers += f" {_('KeyCRM returned no list: {reason}', reason=plain(refused['managers']))}"
    unless_named = "" if account.language else "# "
    lines = [
        f"# {_('Profile {profile}: one KeyCRM account and how its orders are booked (Профіль).', profile=name)}",
        f"# {_('A line that starts with # is a comment: remove the # to use it.')}",
        f"# {_('`keycrm-pipeline check` shows what is not mapped yet.')}",
        f"# {key}",
        "",
        f"base_url: {_yaml(account.base_url)}",
        f"# {_('The first day that can be loaded.')}",
        f"start_date: {choices.start_date.isoformat()}",
        f"# {_('The time zone that decides which day an order belongs to.')}",
        f"timezone: {account.timezone}",
        f"# {_('Language of what people read about this shop: uk or en.')}",
        f"{unless_named}language: {account.own_language}",
        f"# {_('Currency of orders whose source and payments specify none (Валюта).')}",
        f"currency: {account.currency}",
        f"# {_('Author of the documents (Користувач).')}",
        f"author: {_yaml(account.author)}",
        f"# {_('Partner for orders without a buyer (Контрагент); without it such orders are rejected.')}",
        partner,
        f"# {_('phone: a known phone or e-mail finds the partner; phone_and_name: the name must match too.')}",
        f"partner_match: {account.partner_match}",
        f"# {_('What counts as no SKU (Артикул); - stands for -- too, and *** for any sign repeated.')}",
        f"# placeholder_skus: {_yaml(list(account.placeholder_skus))}",
        f"# {_('Service that paid delivery is booked on (Послуга з доставки).')}",
        f"delivery_service: {_yaml(account.delivery_service)}",
        f"# {_('Add the order number from its source to the comment (Номер у джерелі в коментарі).')}",
        "source_number_in_comment: false",
        f"# {_('Bank account or cash desk when no payment determines it (Банк. рахунок/Каса).')}",
        f"account: {_yaml(account.account)}",
        f"# {_('Requests per minute to KeyCRM allowed for this key.')}",
        f"requests_per_minute: {account.requests_per_minute}",
        "",
        *_mapping(
            "payment_methods",
            _(
                "Payment method -> bank account or cash desk, and kind (cash, card, transfer, cash_on_delivery or "
                "marketplace), here as its name suggests. `receipt: own` or `by_carrier` says who issues the receipt."
            ),
            (_proposed_method(row, instead=account.account) for row in found["payment_methods"]),
        ),
        "",
        "# "
        + _(
            "Categories whose products, including those in subcategories, are services (Послуга). KeyCRM has:"
        ),
        *(f"#   {int(row['id'])} {plain(row.get('name'))}{_inside(row)}" for row in found["categories"]),
        f"service_categories: {_yaml(list(choices.service_categories))}",
        "",
        *_mapping(
            "managers",
            managers,
            (_proposed(row, "full_name", instead=account.author) for row in found.get("users", ())),
        ),
        "",
        "statuses:",
        f"  # {_('all, or a list of the ids whose orders are loaded, such as [1, 12].')}",
        "  load: all",
        f"  # {_('true: refuse to load while a status has no stage.')}",
        "  require_mapping: false",
        *_mapping(
            "stages",
            _("Status -> stage in the accounting system (Стадія)."),
            (
                (
                    row["id"],
                    _yaml(plain(status_name(row.get("name"), row.get("alias")) or f"Статус {row['id']}")),
                    _group(row),
                )
                for row in found["statuses"]
            ),
            indent="  ",
        ),
    ]
    return "\n".join(lines) + "\n"


def _inside(row: Mapping[str, Any]) -> str:
    return f" ({_('in {number}', number=row['parent_id'])})" if row.get("parent_id") else ""


def _group(row: Mapping[str, Any]) -> str:
    group = group_name(row.get("group_id"))
    return f"  # {group}" if group else ""
