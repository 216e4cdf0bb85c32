"""Tells a person that exchanges fail, through the profile's hook: a command, or a webhook."""

from __future__ import annotations

import json
import shlex
import subprocess

import httpx

from keycrm_pipeline.profile import Profile

TIMEOUT_SECONDS = 20


def send_alert(profile: Profile, text: str) -> str:
    """Sends a sentence through the profile's hook and says, in words, what became of it.

    The command gets the text on its standard input, the webhook a JSON object with `profile` and `text`. A hook that
    fails stops nothing: the failure still shows in `status` and on the page.
    """
    told = []
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
            told.append(f"the alert command ended with {done.returncode}")
        except (OSError, subprocess.TimeoutExpired) as error:
            told.append(f"the alert command could not be run ({type(error).__name__})")
    if profile.alert.webhook is not None:
        try:
            answer = httpx.post(
                str(profile.alert.webhook),
                content=json.dumps({"profile": profile.name, "text": text}, ensure_ascii=False),
                headers={"Content-Type": "application/json"},
                timeout=TIMEOUT_SECONDS,
            )
            told.append(f"the webhook answered {answer.status_code}")
        except httpx.HTTPError as error:
            told.append(f"the webhook could not be reached ({type(error).__name__})")
    hook = "; ".join(told) or "no alert hook is set in the profile"
    return f"{text} ({hook})"
