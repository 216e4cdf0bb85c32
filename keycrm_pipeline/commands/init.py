"""`init`: turns an API key into a commented profile that lists everything in the account, ready to map.

It asks only what has no good default, and nothing without a terminal. A key that it was given is stored once KeyCRM
has accepted it; a key of the environment stays there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from keycrm_pipeline.accounting.statuses import group_name, status_name
from keycrm_pipeline.commands.days import day
from keycrm_pipeline.commands.key import ask_for_key
from keycrm_pipeline.commands.progress import shown_progress
from keycrm_pipeline.profile import (
    DEFAULT_BASE_URL,
    NAME_PATTERN,
    SANDBOX,
    MissingKeyError,
    Profile,
    Settings,
    UnusableKeyError,
    Workspace,
    create_private_file,
    is_possible_key,
    key_variable,
    load_profile,
    store_key,
)
from keycrm_pipeline.run.account import Rows, read_account
from keycrm_pipeline.run.client import open_client

DEFAULT_PARTNER = "Роздрібний покупець"


class InitError(Exception):
    """The profile cannot be created as requested; the text says what to do."""


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


def write_profile(
    name: str, settings: Settings, environ: Mapping[str, str], connection: Connection, *, asks: bool
) -> Path:
    """Reads the account and writes the profile; never overwrites a file.

    Args:
        name: Name of the profile.
        settings: Where profiles are.
        environ: The environment, which may contain the key.
        connection: How to reach the account.
        asks: Whether a person can be asked; otherwise there must be a key, and defaults are used.

    Returns:
        The file, readable only by its owner.

    Raises:
        InitError: The name or the key is invalid, the file exists, or it cannot be written.
        MissingKeyError: There is no usable key and no person to ask.
        KeyNotStoredError: A new key cannot be stored; no profile is written then.
        KeyCrmError: The key is refused, or KeyCRM cannot be reached.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise InitError(
            f"«{name}» is not a valid profile name. It must start with a-z and contain only a-z, 0-9 and _, "
            "such as my_shop."
        )
    path = settings.profiles_directory / f"{name}.yaml"
    if path.exists():
        raise InitError(f"{path} already exists and was not changed. Choose another name, or edit that file.")
    today = datetime.now(UTC).date()
    workspace = Workspace(_account(name, connection, today), settings)
    account = workspace.profile
    new_key = _new_key(workspace, environ, connection, asks=asks)
    key_place = environ if new_key is None else {key_variable(name): new_key}
    with (
        open_client(workspace, key_place) as client,
        shown_progress(account.requests_per_minute, stays=False),
    ):
        found, refused = read_account(client)
    choices = _ask(found, today) if asks else Choices(date(today.year, 1, 1), DEFAULT_PARTNER)
    if new_key is not None:
        store_key(name, new_key, settings.data_directory)
    _write_new(path, profile_text(account, choices, found, refused))
    # Makes sure that the new profile is valid.
    load_profile(name, settings)
    return path


def next_steps(workspace: Workspace, path: Path, environ: Mapping[str, str]) -> str:
    """Instructions for a new profile, with where its key is.

    Args:
        workspace: The new profile.
        path: Its file.
        environ: The environment.

    Raises:
        MissingKeyError: There is no usable key any more.
    """
    found = workspace.find_key(environ)
    profile, first = workspace.profile.name, workspace.profile.start_date
    last = first + timedelta(days=30)
    if found.place == SANDBOX:
        key = "The demo shop needs no key."
    elif found.is_stored:
        key = f"The API key is not in it, but in {found.place}, which only you can read."
    else:
        key = f"The API key is not in it: keep it in {found.place}, where it was found."
    return (
        f"Wrote {path}. {key}\n"
        "Now edit the file: remove the # from the lines that you want to map. Then\n"
        f"  keycrm-pipeline check --profile {profile}\n"
        "shows what is not mapped yet, and\n"
        f"  keycrm-pipeline load --from {first:%d.%m.%Y} --to {last:%d.%m.%Y} --profile {profile}\n"
        "loads a period."
    )


def _account(name: str, connection: Connection, today: date) -> Profile:
    url, requests = connection.base_url, connection.requests_per_minute
    limit = {} if requests is None else {"requests_per_minute": requests}
    try:
        return Profile.model_validate({"name": name, "base_url": url, "start_date": today, **limit})
    except ValueError:
        raise InitError(
            f"«{url}» is not a valid address of KeyCRM's API. It must start with https:// (http:// only on this "
            "machine), or be `sandbox` for the demo shop."
        ) from None


def _new_key(
    workspace: Workspace, environ: Mapping[str, str], connection: Connection, *, asks: bool
) -> str | None:
    """A key that must be stored; None if there is a usable one already."""
    if workspace.profile.base_url == SANDBOX:
        return None
    new = connection.key
    if new is None:
        try:
            workspace.find_key(environ)
        except UnusableKeyError:
            raise
        except MissingKeyError:
            if not asks:
                raise
            new = ask_for_key()
        else:
            return None
    new = new.strip()
    if not is_possible_key(new):
        raise InitError("This is no API key: it is empty, or contains spaces or characters that no key has.")
    return new


def _ask(found: Mapping[str, Rows], today: date) -> Choices:
    start = click.prompt("First day that can be loaded", default=f"01.01.{today.year}", value_proc=day)
    partner = DEFAULT_PARTNER
    if not click.confirm(f"Book orders without a buyer to the partner «{DEFAULT_PARTNER}»?", default=True):
        partner = click.prompt(
            "Partner for these orders (leave empty to reject them)", default="", show_default=False
        ).strip()
    categories = {row["id"]: _plain(row.get("name")) for row in found["categories"]}
    services: tuple[int, ...] = ()
    if categories:
        click.echo("Categories: " + "; ".join(f"{number} {name}" for number, name in categories.items()))
        services = _ask_categories(categories)
    return Choices(start, partner or None, services)


def _ask_categories(categories: Mapping[int, str]) -> tuple[int, ...]:
    while True:
        typed = click.prompt(
            "Ids of categories of services (Послуга), separated by commas; empty for none",
            default="",
            show_default=False,
        )
        parts = [part.strip() for part in typed.split(",") if part.strip()]
        if all(part.isdecimal() and int(part) in categories for part in parts):
            return tuple(dict.fromkeys(int(part) for part in parts))
        click.echo("Enter ids from the list above, such as 7, 12.")


def _write_new(path: Path, text: str) -> None:
    try:
        create_private_file(path, text)
    except FileExistsError:
        raise InitError(f"{path} already exists and was not changed.") from None
    except OSError as error:
        raise InitError(f"{path} cannot be written: {error.strerror}.") from None


def _plain(value: object) -> str:
    """Text from the account on a single line, so that it cannot end a comment."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value or "")).split())


def _yaml(value: object) -> str:
    """A value as YAML: JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _mapping(setting: str, what: str, entries: Iterable[tuple[int, str, str]], indent: str = "") -> list[str]:
    """A setting whose entries are all comments; removing its # maps an entry."""
    lines = [f"{indent}  # {number}: {_yaml(to)}{note}" for number, to, note in entries]
    return [f"{indent}# {what}", f"{indent}{setting}:", *(lines or [f"{indent}  # KeyCRM lists none"])]


def _proposed(row: Mapping[str, Any], name_key: str, *, instead: str) -> tuple[int, str, str]:
    """A mapping entry that proposes KeyCRM's name, or, without one, the value used while it is unmapped."""
    name = _plain(row.get(name_key))
    return (row["id"], name, "") if name else (row["id"], instead, "  # has no name in KeyCRM")


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
    lines = [
        f"# Profile {name}: one KeyCRM account and how its orders are booked (Профіль).",
        "# A line that starts with # is a comment: remove the # to use it.",
        "# `keycrm-pipeline check` shows what is not mapped yet.",
        f"# The API key is not here: `keycrm-pipeline key --profile {name}` stores it in a file of its own."
        if account.base_url != SANDBOX
        else "# The demo shop of this program; it needs no API key.",
        "",
        f"base_url: {_yaml(account.base_url)}",
        "# The first day that can be loaded.",
        f"start_date: {choices.start_date.isoformat()}",
        "# The time zone that decides which day an order belongs to.",
        f"timezone: {account.timezone}",
        "# Currency of orders whose source and payments specify none (Валюта).",
        f"currency: {account.currency}",
        "# Author of the documents (Користувач).",
        f"author: {_yaml(account.author)}",
        "# Partner for orders without a buyer (Контрагент); without it such orders are rejected.",
        partner,
        "# phone: a known phone or e-mail finds the partner; phone_and_name: the name must match too.",
        f"partner_match: {account.partner_match}",
        "# What counts as no SKU (Артикул); - stands for -- too, and *** for any sign repeated.",
        f"# placeholder_skus: {_yaml(list(account.placeholder_skus))}",
        "# Service that paid delivery is booked on (Послуга з доставки).",
        f"delivery_service: {_yaml(account.delivery_service)}",
        "# Add the order number from its source to the comment (Номер у джерелі в коментарі).",
        "source_number_in_comment: false",
        "# Bank account or cash desk when no payment determines it (Банк. рахунок/Каса).",
        f"account: {_yaml(account.account)}",
        "# Requests per minute to KeyCRM allowed for this key.",
        f"requests_per_minute: {account.requests_per_minute}",
        "",
        *_mapping(
            "accounts",
            "Payment method -> bank account or cash desk.",
            (_proposed(row, "name", instead=account.account) for row in found["payment_methods"]),
        ),
        "",
        "# Categories whose products, including those in subcategories, are services (Послуга). KeyCRM has:",
        *(f"#   {int(row['id'])} {_plain(row.get('name'))}{_inside(row)}" for row in found["categories"]),
        f"service_categories: {_yaml(list(choices.service_categories))}",
        "",
        *_mapping(
            "managers",
            "KeyCRM user -> responsible user in the accounting system (Відповідальний)."
            + (f" KeyCRM returned no list: {_plain(refused['managers'])}" if "managers" in refused else ""),
            (_proposed(row, "full_name", instead=account.author) for row in found.get("users", ())),
        ),
        "",
        "statuses:",
        "  # all, or a list of the ids whose orders are loaded, such as [1, 12].",
        "  load: all",
        "  # true: refuse to load while a status has no stage.",
        "  require_mapping: false",
        *_mapping(
            "stages",
            "Status -> stage in the accounting system (Стадія).",
            (
                (
                    row["id"],
                    _plain(status_name(row.get("name"), row.get("alias")) or f"Статус {row['id']}"),
                    _group(row),
                )
                for row in found["statuses"]
            ),
            indent="  ",
        ),
    ]
    return "\n".join(lines) + "\n"


def _inside(row: Mapping[str, Any]) -> str:
    return f" (in {row['parent_id']})" if row.get("parent_id") else ""


def _group(row: Mapping[str, Any]) -> str:
    group = group_name(row.get("group_id"))
    return f"  # {group}" if group else ""
