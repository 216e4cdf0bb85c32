"""Sends an alert when exchanges fail, through the profile's hook: a command or a webhook."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass

from keycrm_pipeline.profile import Profile

TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Alert:
    """The result of an alert.

    Attributes:
        is_delivered: Whether a hook accepted it or no hook is set; otherwise it should be sent again.
        text: The alert and how each hook answered, in words. Address and command are left out: they may contain
            a secret.
    """

    is_delivered: bool
    text: str


def send_alert(profile: Profile, text: str) -> Alert:
    """Sends a sentence through the profile's hooks.

    The command gets the text on its standard input, the webhook a JSON object with `profile` and `text`. A hook that
    fails does not stop anything: the failure is still shown in `status` and on the page.
    """
    answers = []
    results = []
    if profile.alert.command is not None:
        try:
            done = subprocess.run(  # noqa: S603 - the shop's own command, from its profile
                shlex.split(profile.alert.command),
                input=text,
                text=True,
                timeout=TIMEOUT_SECONDS,
                capture_output=True,
                check=False,
            )
            answers.append(f"the alert command ended with {done.returncode}")
            results.append(done.returncode == 0)
        except (OSError, subprocess.TimeoutExpired) as error:
            answers.append(f"the alert command could not be run ({type(error).__name__})")
            results.append(False)
    if profile.alert.webhook is not None:
        import httpx

        try:
            answer = httpx.post(
                str(profile.alert.webhook),
                content=json.dumps({"profile": profile.name, "text": text}, ensure_ascii=False),
                headers={"Content-Type": "application/json"},
                timeout=TIMEOUT_SECONDS,
            )
            answers.append(f"the webhook answered {answer.status_code}")
            results.append(answer.is_success)
        except httpx.HTTPError as error:
            answers.append(f"the webhook could not be reached ({type(error).__name__})")
            results.append(False)
    hook = "; ".join(answers) or "no alert hook is set in the profile"
    return Alert(is_delivered=any(results) or not results, text=f"{text} ({hook})")
