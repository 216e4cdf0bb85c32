"""`init`: turns an API key into a commented profile that lists everything in the account, ready to map.

It asks only what has no good default, and nothing without a terminal. What is not here: the file that it writes
(`run.new_profile`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from keycrm_pipeline.commands.days import day
from keycrm_pipeline.commands.key import ask_for_key
from keycrm_pipeline.commands.progress import shown_progress
from keycrm_pipeline.language import Language, _
from keycrm_pipeline.profile import (
    SANDBOX,
    MissingKeyError,
    Settings,
    UnusableKeyError,
    Workspace,
    key_variable,
)
from keycrm_pipeline.run.account import Rows
from keycrm_pipeline.run.new_profile import (
    DEFAULT_PARTNER,
    Choices,
    Connection,
    WrongDayError,
    check_first_day,
    checked_key,
    default_choices,
    earlier_books,
    new_workspace,
    plain,
    read_new_profile,
    write_new_profile,
)
from keycrm_pipeline.sentences.profiles import Key


def write_profile(
    name: str,
    settings: Settings,
    environ: Mapping[str, str],
    connection: Connection,
    *,
    asks: bool,
    language: Language | None = None,
) -> Path:
    """Reads the account and writes the profile; never overwrites a file.

    Args:
        name: Name of the profile.
        settings: Where profiles are.
        environ: The environment, which may contain the key.
        connection: How to reach the account.
        asks: Whether a person can be asked; otherwise there must be a key, and defaults are used.
        language: The language that the profile names; None to leave it to the time zone. The comments are in the
            current language.

    Returns:
        The file, readable only by its owner.

    Raises:
        NewProfileError: The name or the key is invalid, the file exists, or it cannot be written.
        MissingKeyError: There is no usable key and no person to ask.
        KeyNotStoredError: A new key cannot be stored; no profile is written then.
        KeyCrmError: The key is refused, or KeyCRM cannot be reached.
    """
    today = datetime.now(UTC).date()
    workspace = new_workspace(name, settings, connection, today, language)
    key = _new_key(workspace, environ, connection, asks=asks)
    with shown_progress(workspace.profile.requests_per_minute, stays=False):
        new = read_new_profile(workspace, environ, key)
    return write_new_profile(new, _ask(new.found, today) if asks else default_choices(today))


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
    today = datetime.now(UTC).astimezone(workspace.profile.zone).date()
    # A period that ends in the future is refused.
    last = min(first + timedelta(days=30), max(first, today))
    if found.place == SANDBOX:
        key = _("The demo shop needs no key.")
    elif found.is_stored:
        key = _("The API key is not in it, but in {place}, which only you can read.", place=found.place)
    else:
        key = _("The API key is not in it: keep it in {place}, where it was found.", place=found.place)
    earlier = earlier_books(workspace)
    return "\n".join(
        [
            f"{_('Wrote {path}.', path=path)} {key}",
            *([] if earlier is None else [earlier]),
            _("Now edit the file: remove the # from the lines that you want to map. Then"),
            f"  keycrm-pipeline check --profile {profile}",
            _("shows what is not mapped yet, and"),
            f"  keycrm-pipeline load --from {first:%d.%m.%Y} --to {last:%d.%m.%Y} --profile {profile}",
            _("loads a period."),
        ]
    )


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
                # `key`, which stores one, needs the profile that is not there yet.
                name = workspace.profile.name
                raise MissingKeyError(
                    Key.NO_KEY_FOR_NEW.message(profile=name, variable=key_variable(name))
                ) from None
            new = ask_for_key()
        else:
            return None
    return checked_key(new)


def _ask(found: Mapping[str, Rows], today: date) -> Choices:
    def first_day(typed: str) -> date:
        found = day(typed)
        try:
            check_first_day(found, today)
        except WrongDayError as error:
            raise click.BadParameter(str(error)) from None
        return found

    start = click.prompt(
        _("First day that can be loaded"), default=f"01.01.{today.year}", value_proc=first_day
    )
    partner = DEFAULT_PARTNER
    if not click.confirm(
        _("Book orders without a buyer to the partner «{partner}»?", partner=DEFAULT_PARTNER), default=True
    ):
        partner = click.prompt(
            _("Partner for these orders (leave empty to reject them)"), default="", show_default=False
        ).strip()
    categories = {row["id"]: plain(row.get("name")) for row in found["categories"]}
    services: tuple[int, ...] = ()
    if categories:
        listed = "; ".join(f"{number} {name}" for number, name in categories.items())
        click.echo(_("Categories: {categories}", categories=listed))
        services = _ask_categories(categories)
    return Choices(start, partner or None, services)


def _ask_categories(categories: Mapping[int, str]) -> tuple[int, ...]:
    while True:
        typed = click.prompt(
            _("Ids of categories of services (Послуга), separated by commas; empty for none"),
            default="",
            show_default=False,
        )
        parts = [part.strip() for part in typed.split(",") if part.strip()]
        if all(part.isdecimal() and int(part) in categories for part in parts):
            return tuple(dict.fromkeys(int(part) for part in parts))
        click.echo(_("Enter ids from the list above, such as 7, 12."))
