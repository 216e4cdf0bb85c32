"""Which failures Dagster may retry, which only a person can fix, and what becomes of work that is interrupted."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import Any

import dagster as dg

from keycrm_pipeline.crm.errors import TransportFailure
from keycrm_pipeline.orchestration.profile_assets import COMMAND_TAG
from keycrm_pipeline.run.errors import StoppedError
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.stopping import is_stop
from keycrm_pipeline.warehouse.errors import DatabaseBusyError

RETRY = dg.RetryPolicy(max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For what outlasts the client's own retries: a CRM or a file that is busy for minutes."""

UNFINISHED_WORK = "keycrm_unfinished_work"
"""Name of the resource `unfinished_work` in a run."""


class RunStoppedError(dg.DagsterError, dg.DagsterExecutionInterruptedError):
    """A run that the daemon launched must end: the product is stopping, or somebody chose "Terminate".

    Dagster knows which of the two it was: it starts the run again when the product runs again, or leaves it canceled. A
    bare interrupt would make it follow the retry policy first, which waits for half a minute.
    """


@contextlib.contextmanager
def as_dagster_failure(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> Iterator[None]:
    """Turns an error written for users into a Dagster failure that shows only its text.

    In a run that nobody waits for, an error that may pass with time is raised as it is, so that the retry policy
    applies. A person at a terminal is informed at once: the client has already tried for a minute. Retrying cannot help
    with a wrong key, a refused request or a damaged file. A run stopped at a terminal stays stopped: Dagster's retry
    policy would take Ctrl-C for a fault and start again. A run that the daemon launched is interrupted.
    """
    is_watched = COMMAND_TAG in context.run.tags
    try:
        yield
    except (GeneratorExit, SystemExit):
        raise
    except BaseException as error:
        if isinstance(error, StoppedError) or (not isinstance(error, MessageError) and is_stop(error)):
            if not is_watched:
                raise RunStoppedError(str(StoppedError())) from None
            raise dg.Failure(description=str(StoppedError()), allow_retries=False) from None
        if not isinstance(error, MessageError):
            raise
        if isinstance(error, TransportFailure | DatabaseBusyError) and not is_watched:
            raise
        raise dg.Failure(description=str(error), allow_retries=False) from None


@dg.resource(
    description="Work that gives its results one by one, and is closed when its run ends before it has."
)
def unfinished_work(_context: dg.InitResourceContext) -> Iterator[list[Generator[Any, None, None]]]:
    """Closes the generators that a run has begun and left.

    Dagster asks for the next result only when the last one is in its history, which takes seconds for a long period. A
    run that is stopped meanwhile never asks again, and keeps the generator in the traceback until its process ends: the
    exchange would neither be over in the log, nor release its lock. 1.13.28: resources end before the run has its last
    status, so whoever sees a stopped run sees a stopped exchange.
    """
    begun: list[Generator[Any, None, None]] = []
    try:
        yield begun
    finally:
        for work in begun:
            work.close()
