"""Brings in the rates of the НБУ before an exchange, from the files that the shop puts into `<data dir>/rates`.

A profile that has a directory `<profiles dir>/<profile>/rates` uses that alone. Every `.json` and `.csv` file there is
read; without the directory nothing happens. How a file is read is in `accounting.rates`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from keycrm_pipeline.accounting.rates import RatesFileError, rates_of_csv, rates_of_json
from keycrm_pipeline.pipeline.absence import is_absent
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sentences.failures import cause_of
from keycrm_pipeline.sentences.rates import RateFailure, RateMistake
from keycrm_pipeline.warehouse import rates as store

READERS = {".json": rates_of_json, ".csv": rates_of_csv}
"""Ending of a file -> how it is read."""

Rates = dict[tuple[str, date], Decimal]


class RatesError(ExchangeError):
    """The rates cannot be used; the text names the file and what is wrong with it."""


def _paths_in(directory: Path) -> list[Path]:
    """What is in the directory; one that cannot be read, or whose disk is away, is not one that somebody emptied."""
    try:
        return sorted(directory.iterdir())
    except OSError as error:
        if is_absent(directory, error):
            return []
        raise RatesError(
            RateFailure.RATES_FILE_NOT_READ.message(file=directory, reason=cause_of(error))
        ) from None


def read_rates(directory: Path) -> Rates:
    """The rates of all files of a directory, by currency and day; nothing if there is no such directory.

    Raises:
        RatesError: The directory or a file cannot be read, or two rates of one day disagree.
    """
    found: Rates = {}
    for path in _paths_in(directory):
        reader = READERS.get(path.suffix.lower())
        if reader is None or path.name.startswith("."):
            continue
        try:
            rates = reader(path.read_text("utf-8-sig"))
        except RatesFileError as error:
            raise RatesError(
                RateFailure.RATES_FILE_WRONG.message(file=path, problem=[error.problem])
            ) from None
        except UnicodeDecodeError:
            problem = RateMistake.RATES_NOT_UTF8.message()
            raise RatesError(RateFailure.RATES_FILE_WRONG.message(file=path, problem=[problem])) from None
        except OSError as error:
            raise RatesError(
                RateFailure.RATES_FILE_NOT_READ.message(file=path, reason=cause_of(error))
            ) from None
        for rate in rates:
            known = found.setdefault((rate.currency, rate.day), rate.rate)
            if known != rate.rate:
                raise RatesError(
                    RateFailure.RATES_DISAGREE.message(
                        directory=directory,
                        currency=rate.currency,
                        day=rate.day,
                        first=str(known),
                        second=str(rate.rate),
                    )
                )
    return found


def bring_in_rates(session: Session) -> None:
    """Stores the rates of the files as they are now; a file that is gone takes its rates along.

    Payments that are booked already get theirs when their order is derived again, or with a rebuild.

    Raises:
        RatesError: The files cannot be used; nothing was changed.
    """
    rates = read_rates(session.workspace.rates_directory)
    with session.warehouse.reading() as connection:
        is_known = store.stored_rates(connection) == rates
    if not is_known:
        with session.warehouse.writing() as connection:
            store.replace_rates(connection, rates)
