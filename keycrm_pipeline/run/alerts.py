"""Sends an alert when exchanges fail, through the profile's hook: a command or a webhook."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from keycrm_pipeline.profile import KEY_VARIABLE, Profile

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
    command, webhook = profile.alert.command, profile.alert.webhook
    answers = []
    if command is not None:
        answers.append(_answered("the alert command could not be run", lambda: _run(command, text)))
    if webhook is not None:
        answers.append(
            _answered("the webhook could not be reached", lambda: _post(webhook, profile.name, text))
        )
    hook = "; ".join(said for _, said in answers) or "no alert hook is set in the profile"
    return Alert(
        is_delivered=any(is_taken for is_taken, _ in answers) or not answers, text=f"{text} ({hook})"
    )


def _answered(failed: str, hook: Callable[[], tuple[bool, str]]) -> tuple[bool, str]:
    """Whether a hook took the alert, and its answer in words; whatever it raises must not fail the sensor."""
    try:
        return hook()
    except Exception as error:  # noqa: BLE001 - its text may contain the address or the command
        return False, f"{failed} ({type(error).__name__})"


def _run(command: str, text: str) -> tuple[bool, str]:
    # What it writes is of no use here. Reading it would fail on what is not UTF-8, and wait for children that outlive
    # it, so that an alert that was sent would count as lost and be sent again every minute.
    done = subprocess.run(  # noqa: S603 - the shop's own command, from its profile
        shlex.split(command),
        input=text.encode("utf-8", "replace"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith(KEY_VARIABLE)},
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return done.returncode == 0, f"the alert command ended with {done.returncode}"


def _post(webhook: str, profile: str, text: str) -> tuple[bool, str]:
    import httpx

    content = json.dumps({"profile": profile, "text": text}, ensure_ascii=False).encode("utf-8", "replace")
    # Only the status counts: the body is left unread, however long it is.
    with httpx.stream(
        "POST",
        webhook,
        content=content,
        headers={"Content-Type": "application/json"},
        timeout=TIMEOUT_SECONDS,
    ) as answer:
        return answer.is_success, f"the webhook answered {answer.status_code}"
