"""`rebuild --dry-run`: what a rebuild would change, for people and as one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from keycrm_pipeline.profile import Profile

if TYPE_CHECKING:
    from keycrm_pipeline.pipeline.trial import RebuildTrial

_PARTS = {
    "stage": "stage (Стадія)",
    "responsible": "responsible user or author (Відповідальний, Автор)",
    "account": "account (Банк. рахунок/Каса)",
    "organisation": "organisation (Організація)",
    "partner": "partner (Контрагент)",
    "comment": "comment",
    "sums": "sums",
    "goods": "lines of goods",
    "services": "services",
    "payments": "payments",
    "other": "something else",
}
"""Part of a document -> what it is called; one document may change in several."""


def trial_as_json(profile: Profile, trial: RebuildTrial) -> dict[str, Any]:
    """The trial as `--json` prints it; `documents` has the numbers, `parts` what changes in how many documents."""
    documents = asdict(trial.documents)
    return {
        "status": "succeeded",
        "profile": profile.name,
        "documents": {name: documents[name] for name in ("created", "updated", "unchanged", "leaving")},
        "parts": {
            name: {**part, "examples": list(part["examples"])} for name, part in documents["parts"].items()
        },
        "orders_rejected": trial.counts.orders_rejected,
        "partners_created": trial.counts.partners_created,
        "products_created": trial.counts.products_created,
        "error": None,
    }


def print_trial(trial: RebuildTrial) -> None:
    """Prints the trial for people."""
    documents = trial.documents
    click.echo("A rebuild would do this; nothing was changed:")
    for label, number in (
        ("Documents created", documents.created),
        ("  changed", documents.updated),
        ("  unchanged", documents.unchanged),
        ("  leaving the books", documents.leaving),
        ("Orders rejected", trial.counts.orders_rejected),
        ("New partners (Контрагент)", trial.counts.partners_created),
        ("New products (Товар)", trial.counts.products_created),
    ):
        click.echo(f"{label:<28}{number:>16}")
    if documents.parts:
        click.echo("What changes in the documents:")
    for name, part in documents.parts.items():
        click.echo(f"  {part.orders:>6}  {_PARTS[name]}, for example {', '.join(map(str, part.examples))}")
