"""Переформування: says what a rebuild would change before it runs, then starts the same job as Dagster's page.

What it would change is found out by `keycrm-pipeline rebuild --dry-run` in a process of its own, so that the page stays
small and answers meanwhile. What is not here: the trial (`pipeline.trial`), and the progress of the run (`loading`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.page.loading import dagster_of
from keycrm_pipeline.page.rendering import render
from keycrm_pipeline.page.shops import NotFoundError, page_settings, workspace_of
from keycrm_pipeline.profile import DATA_VARIABLE, PROFILES_VARIABLE, Profile, Workspace
from keycrm_pipeline.sentences import stored_text
from keycrm_pipeline.sentences.failures import Trial as TrialFailure


@dataclass(frozen=True)
class Trial:
    """A trial of a rebuild.

    Attributes:
        profile: The profile as it was when the trial began.
        started_at: When it began, aware.
        found: What the command printed; None while it runs.
    """

    profile: Profile
    started_at: datetime
    found: Mapping[str, Any] | None = None

    @property
    def error(self) -> str:
        """Why it failed, in the current language; empty if it did not."""
        if not self.found:
            return ""
        return stored_text(self.found.get("error"), self.found.get("error_coded"), current_formatter())


class Trials:
    """The last trial of each profile. After a restart of the page they are made again."""

    def __init__(self) -> None:
        self._trials: dict[str, Trial] = {}
        # Pages are rendered in several threads.
        self._lock = threading.Lock()

    def of(self, profile: Profile) -> Trial | None:
        """The last trial of a profile; None if there is none, or if its file was changed since."""
        with self._lock:
            found = self._trials.get(profile.name)
        return found if found is not None and found.profile == profile else None

    def start(self, workspace: Workspace, now: datetime) -> None:
        """Starts a trial, unless one of the same settings runs."""
        name = workspace.profile.name
        begun = Trial(workspace.profile, now)
        with self._lock:
            known = self._trials.get(name)
            if known is not None and known.found is None and known.profile == workspace.profile:
                return
            self._trials[name] = begun

        def work() -> None:
            found = _ask(workspace)
            with self._lock:
                # A later one, of other settings, counts.
                if self._trials.get(name) is begun:
                    self._trials[name] = Trial(begun.profile, begun.started_at, found)

        threading.Thread(target=work, name=f"trial of {name}", daemon=True).start()


def _ask(workspace: Workspace) -> Mapping[str, Any]:
    """What the command prints."""
    directories = {
        PROFILES_VARIABLE: str(workspace.settings.profiles_directory),
        DATA_VARIABLE: str(workspace.settings.data_directory),
    }
    asked = ("rebuild", "--dry-run", "--json", "--profile", workspace.profile.name)
    done = subprocess.run(  # noqa: S603 - the command of this project
        [sys.executable, "-m", "keycrm_pipeline", *asked],
        env=os.environ | directories,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    try:
        found: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        not_tried = TrialFailure.REBUILD_NOT_TRIED.message()
        return {"error": str(not_tried), "error_coded": not_tried.dump()}
    return found


def rebuild(request: Request) -> Response:
    """What a rebuild does, and, once it was found out, what it would change."""
    return _page(request, "rebuild")


def rebuild_progress(request: Request) -> Response:
    """The part of that page that changes while a trial runs."""
    return _page(request, "rebuild_trial")


def _page(request: Request, template: str) -> Response:
    profile = workspace_of(request).profile
    trials: Trials = request.app.state.trials
    trial = trials.of(profile)
    is_ready = trial is None or trial.found is not None
    status_code = 286 if template == "rebuild_trial" and is_ready else 200
    return render(request, template, status_code, profile=profile, trial=trial)


def start_rebuild(request: Request) -> Response:
    """Starts the trial, or the rebuild itself.

    Raises:
        NotFoundError: There is no such action.
        DagsterError: Dagster does not answer.
    """
    workspace = workspace_of(request)
    name = workspace.profile.name
    action = request.state.form.get("action")
    if action == "try":
        trials: Trials = request.app.state.trials
        trials.start(workspace, page_settings(request).clock())
        return RedirectResponse(f"/profiles/{name}/rebuild", 303)
    if action == "rebuild":
        return RedirectResponse(f"/profiles/{name}/runs/{dagster_of(request).launch_rebuild(name)}", 303)
    raise NotFoundError
