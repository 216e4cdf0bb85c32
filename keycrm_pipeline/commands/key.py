"""`key`: stores, replaces and removes the API key of a profile in the file that `profile.keys` keeps.

What is not here: whether KeyCRM accepts the key, which `check` finds out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from keycrm_pipeline.language import _
from keycrm_pipeline.profile import SANDBOX, MissingKeyError, Workspace, remove_stored_key, store_key

_WHERE = "Налаштування - Основні - API-ключ"


def ask_for_key() -> str:
    """The key that a person types, hidden."""
    typed: str = click.prompt(
        _("API key of KeyCRM ({where}; hidden as you type)", where=_WHERE), hide_input=True, err=True
    )
    return typed


def read_key() -> str:
    """The key on standard input, with surrounding whitespace; if that is a terminal, what a person types, hidden."""
    return ask_for_key() if sys.stdin.isatty() else sys.stdin.read()


def change_key(workspace: Workspace, environ: Mapping[str, str], *, is_removed: bool) -> dict[str, Any]:
    """Stores the key that is typed or passed, or removes the stored one.

    Returns:
        What `--json` prints: `profile`, `action` (`stored`, `removed` or `none`), `path` of the file, `place` from
        which the key is taken from now on (null if there is none), and `error`.

    Raises:
        KeyNotStoredError: It is not a key, or the file cannot be written or removed.
        click.UsageError: The profile is that of the demo shop.
    """
    name, data = workspace.profile.name, workspace.settings.data_directory
    if workspace.profile.base_url == SANDBOX:
        raise click.UsageError(_("The demo shop needs no key."))
    if is_removed:
        action = "removed" if remove_stored_key(name, data) else "none"
    else:
        store_key(name, read_key(), data)
        action = "stored"
    try:
        place = workspace.find_key(environ).place
    except MissingKeyError:
        place = None
    return {
        "profile": name,
        "action": action,
        "path": str(workspace.stored_key),
        "place": place,
        "error": None,
    }


def print_change(change: Mapping[str, Any]) -> None:
    """Prints what was done, and which key is used from now on if that is another one."""
    name = change["profile"]
    click.echo(
        {
            "stored": _(
                "Stored the API key of profile {profile} in {path}.", profile=name, path=change["path"]
            ),
            "removed": _("Removed the stored API key of profile {profile}.", profile=name),
            "none": _("No API key of profile {profile} was stored.", profile=name),
        }[change["action"]]
    )
    if change["place"] not in {None, change["path"]}:
        click.echo(
            _(
                "The key that is used comes from {place}: it takes precedence over a stored one.",
                place=change["place"],
            )
        )
    elif change["action"] == "stored":
        click.echo(_("Try it with `keycrm-pipeline check --profile {profile}`.", profile=name))
