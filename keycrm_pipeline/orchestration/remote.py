"""Asks a running Dagster over its address: starts a job as its page's button does, follows the run, stops it.

Imports no Dagster, so that a server which only asks starts at once. What is not here: running a job in this process
(`launch`), and what the jobs do (`jobs`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from keycrm_pipeline.language import _
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import code_location

TIMEOUT_SECONDS = 20.0
"""How long an answer to a question is waited for."""

COMMAND_TIMEOUT_SECONDS = 120.0
"""How long Dagster may take to start a run or to read the profiles; it loads the jobs first, and begins all the same
when nobody waits any more."""

_REPOSITORY = "__repository__"
_PROFILE_TAG = "keycrm/profile"
_PERIOD_TAG = "keycrm/period"
_ORDERS_TAG = "keycrm/orders"
_RANGE_START_TAG = "dagster/asset_partition_range_start"
_RANGE_END_TAG = "dagster/asset_partition_range_end"

UNDER_WAY = ("QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "CANCELING")
"""Dagster's statuses of a run that has not ended."""

_LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

_RUN = """
query($runId: ID!) {
  runOrError(runId: $runId) {
    __typename
    ... on Run {
      runId status jobName startTime endTime
      tags { key value }
      assetMaterializations { assetKey { path } }
    }
  }
}
"""

_RUNS = """
query($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 10) {
    __typename
    ... on Runs { results { runId status jobName } }
  }
}
"""

_TERMINATE = """
mutation($runId: String!) {
  terminateRun(runId: $runId) { __typename ... on TerminateRunFailure { message } }
}
"""

_RELOAD = """
mutation($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    __typename
    ... on WorkspaceLocationEntry { locationOrLoadError { __typename } }
  }
}
"""


class DagsterError(Exception):
    """Dagster cannot be asked, or refuses; the text says why and what to do, in the current language."""


class DagsterUnreachableError(DagsterError):
    """Nothing answers at Dagster's address."""

    def __init__(self, address: str) -> None:
        super().__init__(
            _(
                "Dagster does not answer at {address}. Start it with `make run`, then try again.",
                address=address,
            )
        )


class DagsterSlowError(DagsterError):
    """Something listens at Dagster's address but has not answered in time; what was asked may happen all the same."""

    def __init__(self, address: str) -> None:
        super().__init__(
            _(
                "Dagster at {address} takes too long to answer. What was asked may have begun all the same: look "
                "before you try again.",
                address=address,
            )
        )


class JobUnknownError(DagsterError):
    """Dagster has no such job: it has not read the profile, or the profile has a mistake."""

    def __init__(self, job: str) -> None:
        super().__init__(
            _(
                "Dagster does not know the job {job} yet. It reads a new profile within a minute; if it does not, look "
                "at its page under Deployment.",
                job=job,
            )
        )


def orders_config(profile: str, order_ids: Sequence[int]) -> dict[str, Any]:
    """The configuration of a run that loads single orders."""
    return {"ops": {f"{profile}__order": {"config": {"orders": list(order_ids)}}}}


@dataclass(frozen=True)
class RunState:
    """A run as Dagster sees it.

    Attributes:
        run_id: Its id.
        job: Name of its job.
        status: Dagster's word: QUEUED, STARTED, SUCCESS, FAILURE, CANCELED…
        first_day: First day of a load, YYYY-MM-DD; None for other jobs.
        last_day: Last day of a load, included.
        stages: Names of the assets that it has finished, in no order, each once.
        order_ids: The orders that it loads by their numbers.
    """

    run_id: str
    job: str
    status: str
    first_day: str | None
    last_day: str | None
    stages: frozenset[str]
    order_ids: tuple[int, ...] = ()

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended."""
        return self.status in UNDER_WAY


@dataclass(frozen=True)
class RemoteDagster:
    """A running Dagster.

    Attributes:
        address: The address of its page, without a slash at the end.
    """

    address: str

    def launch_load(self, profile: str, period: Period) -> str:
        """Starts the load of a period and returns the id of the queued run.

        Raises:
            DagsterError: It does not answer, or refuses.
        """
        tags = {
            _RANGE_START_TAG: period.first.isoformat(),
            _RANGE_END_TAG: period.last.isoformat(),
            _PERIOD_TAG: str(period),
        }
        return self._launch(f"{profile}_load", tags, {})

    def launch_orders(self, profile: str, order_ids: Sequence[int]) -> str:
        """Starts the load of single orders and returns the id of the queued run.

        Raises:
            DagsterError: It does not answer, or refuses.
        """
        tags = {_ORDERS_TAG: " ".join(map(str, order_ids))}
        return self._launch(f"{profile}_order", tags, orders_config(profile, order_ids))

    def launch_renaming(self, profile: str) -> str:
        """Starts the refresh of the catalogue that also renames cards, and returns the id of the queued run.

        Raises:
            DagsterError: It does not answer, or refuses.
        """
        config = {"ops": {f"{profile}__catalogue": {"config": {"rename": True}}}}
        return self._launch(f"{profile}_catalogue", {}, config)

    def launch_rebuild(self, profile: str) -> str:
        """Starts the rebuild and returns the id of the queued run.

        Raises:
            DagsterError: It does not answer, or refuses.
        """
        return self._launch(f"{profile}_rebuild", {}, {})

    def launch_file(self, profile: str, name: str, config: Mapping[str, object]) -> str:
        """Starts the job of `exports` or `report` and returns the id of the queued run.

        Args:
            profile: The profile.
            name: `exports` or `report`.
            config: What `orchestration.files` takes for it.

        Raises:
            DagsterError: It does not answer, or refuses.
        """
        return self._launch(
            f"{profile}_{name}", {}, {"ops": {f"{profile}__{name}": {"config": dict(config)}}}
        )

    def run(self, run_id: str) -> RunState | None:
        """The state of a run; None when there is no such run.

        Raises:
            DagsterError: It does not answer.
        """
        found = self._ask(_RUN, {"runId": run_id})["runOrError"]
        if found["__typename"] != "Run":
            return None
        tags = {tag["key"]: tag["value"] for tag in found["tags"]}
        return RunState(
            run_id=found["runId"],
            job=found["jobName"],
            status=found["status"],
            first_day=tags.get(_RANGE_START_TAG),
            last_day=tags.get(_RANGE_END_TAG),
            stages=frozenset(
                made["assetKey"]["path"][-1] for made in found["assetMaterializations"] if made["assetKey"]
            ),
            order_ids=tuple(
                int(number) for number in tags.get(_ORDERS_TAG, "").split() if number.isdecimal()
            ),
        )

    def runs_under_way(self, profile: str) -> list[tuple[str, str]]:
        """(run id, job) of a profile's runs that have not ended, newest first.

        Raises:
            DagsterError: It does not answer.
        """
        found = self._ask(
            _RUNS,
            {
                "filter": {
                    "statuses": list(UNDER_WAY),
                    "tags": [{"key": _PROFILE_TAG, "value": profile}],
                }
            },
        )["runsOrError"]
        return [(run["runId"], run["jobName"]) for run in found.get("results", ())]

    def stop(self, run_id: str) -> None:
        """Asks a run to stop; it ends its current write first. One that has ended stays as it is.

        Raises:
            DagsterError: It does not answer.
        """
        self._ask(_TERMINATE, {"runId": run_id})

    def read_profiles_again(self) -> None:
        """Has Dagster's page read the profiles again; the daemon and every run do so by themselves.

        Raises:
            DagsterError: It does not answer, or could not read them.
        """
        answer = self._ask(_RELOAD, {"location": code_location(os.environ)}, COMMAND_TIMEOUT_SECONDS)[
            "reloadRepositoryLocation"
        ]
        if answer.get("locationOrLoadError", {}).get("__typename") != "RepositoryLocation":
            raise DagsterError(_("Dagster could not read the profiles again. See its page under Deployment."))

    def _launch(self, job: str, tags: Mapping[str, str], config: Mapping[str, Any]) -> str:
        params = {
            "selector": {
                "jobName": job,
                "repositoryName": _REPOSITORY,
                "repositoryLocationName": code_location(os.environ),
            },
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        answer = self._ask(_LAUNCH, {"params": params}, COMMAND_TIMEOUT_SECONDS)["launchRun"]
        kind = answer["__typename"]
        if kind == "LaunchRunSuccess":
            return str(answer["run"]["runId"])
        if kind == "PipelineNotFoundError":
            raise JobUnknownError(job)
        raise DagsterError(_("Dagster refused to start {job} ({kind}). See its page.", job=job, kind=kind))

    def _ask(
        self, query: str, variables: Mapping[str, Any], timeout_seconds: float | None = None
    ) -> dict[str, Any]:
        try:
            response = httpx.post(
                f"{self.address}/graphql",
                json={"query": query, "variables": variables},
                timeout=timeout_seconds or TIMEOUT_SECONDS,
                # Dagster is a neighbour: neither a proxy of the environment nor its password is for it.
                trust_env=False,
            )
            answer = response.json()
        except httpx.ReadTimeout:
            raise DagsterSlowError(self.address) from None
        except (httpx.HTTPError, ValueError):
            raise DagsterUnreachableError(self.address) from None
        if not isinstance(answer, dict) or "errors" in answer or not isinstance(answer.get("data"), dict):
            raise DagsterError(
                _(
                    "Dagster at {address} did not understand the question. Is it the Dagster of this project?",
                    address=self.address,
                )
            )
        data: dict[str, Any] = answer["data"]
        return data
