"""Carries out the runbook of `core.deployment`: what deploying and rolling back share."""

from __future__ import annotations

import http.client
import logging
import time
from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.sdk import redact

from airflow_dataops.core.deployment import (
    Observed,
    Release,
    Step,
    judge_answer,
    next_step,
    outdated,
    pointer_name,
    release_labels,
    trace_of,
)
from airflow_dataops.core.ledger import Claim
from airflow_dataops.exceptions import ConflictError, DataOpsError, ReleaseRejectedError, StaleAttemptError
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.serving import ServingTarget, invoke, ping

__all__ = ["Rollout"]

POLL_SECONDS = 0.5


class Rollout:
    """Replaces what a deployment serves with a new release.

    Args:
        release: What is to serve.
        target: Where.
        ledger: Holds the pointer that says what serves.
        claim: The work this is part of.
        health_timeout: Seconds that the release may take until it is healthy.
        old_target: Where the old release serves, if that is another place.
        log: Tells what happens.
    """

    def __init__(
        self,
        release: Release,
        target: ServingTarget,
        ledger: LedgerStore,
        claim: Claim,
        *,
        health_timeout: float,
        old_target: ServingTarget | None = None,
        log: Any = None,
    ) -> None:
        self.release, self.target, self.ledger, self.claim = release, target, ledger, claim
        self.health_timeout, self.old_target = health_timeout, old_target
        self.log = log or logging.getLogger(__name__)
        self.pointer = pointer_name(release.deployment)
        self.fault = "it ended by itself"
        self.told: Mapping[str, Any] = {}
        self.carry_out = {
            Step.START: self.start,
            Step.PROBE: self.probe,
            Step.SMOKE_TEST: self.smoke_test,
            Step.SWITCH: self.switch,
            Step.RETIRE: self.retire,
            Step.ROLL_BACK: self.roll_back,
        }

    def run(self) -> dict[str, Any]:
        """Go from wherever things stand to one serving release; return the pointer's value.

        Raises:
            ReleaseRejectedError: The release did not prove itself; the old one serves. A retry does not help.
            ConflictError: Another rollout was faster; the release is removed. A retry does not help.
            OutageError: The engine or the ledger does not answer. A retry goes on here.
        """
        seen = Observed()
        while (step := next_step(self.release, seen)) is not Step.DONE:
            self.log.info("%s: %s", self.release.name, step.value)
            seen = self.carry_out[step](seen)
        # Not what the pointer says now: the next rollout may have taken over while the old release drained.
        return dict(self.told)

    # -- the steps ---------------------------------------------------------------------------------------

    def start(self, seen: Observed) -> Observed:
        """Start the release beside the old one, or find that a dead try has started it."""
        try:
            self.target.start(self.release, release_labels(self.release, self.claim.tags))
        except DataOpsError as error:
            if not error.retry_helps:
                self.remove_release()
            raise
        self.told = self.ledger.pointer(self.pointer).value
        current = self.told.get("release")
        return seen.but(started=True, alive=True, current=current, outdated=tuple(self.old_releases()))

    def probe(self, seen: Observed) -> Observed:
        """Wait until the release is healthy, has ended, or has had its time."""
        deadline = time.monotonic() + self.health_timeout
        while time.monotonic() < deadline:
            found = self.target.observe(self.release.deployment, self.release.name)
            if found is None or not found.alive:
                return seen.but(alive=False)
            if found.url and ping(found.url):
                return seen.but(healthy=True)
            time.sleep(POLL_SECONDS)
        self.fault = f"it was not healthy after {self.health_timeout:g} s"
        return seen.but(healthy=False)

    def smoke_test(self, seen: Observed) -> Observed:
        """Let the release answer the example that its model was logged with."""
        request = self.target.example(self.release.deployment, self.release.name)
        if request is None:
            self.log.warning("%s was logged without an input example, so only its health is known.", self.release.model)
            return seen.but(proven=True)
        fault = self.ask(request)
        self.fault = fault or self.fault
        return seen.but(proven=fault is None)

    def ask(self, request: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the release's answer, or None."""
        url = self.url()
        if url is None:
            return "it ended before it answered"
        try:
            status, answer = invoke(url, request)
        except (OSError, http.client.HTTPException) as error:
            return f"it did not answer its own input example ({type(error).__name__})"
        fault = judge_answer(request, status, answer)
        if fault:
            self.log.error("%s: %s\n%s", self.release.name, fault, redact(trace_of(answer)))
        return fault

    def switch(self, seen: Observed) -> Observed:
        """Let the ledger's pointer name the release, unless somebody moved it since this was planned."""
        before = self.ledger.pointer(self.pointer).value
        previous = {key: value for key, value in before.items() if key != "previous"} or None
        self.target.keep(self.release.deployment, self.release.name)
        try:
            moved = self.ledger.move_pointer(
                self.claim, self.pointer, self.release.based_on, {**self.value(), "previous": previous}
            )
        except StaleAttemptError:
            # The release is the newer try's now.
            raise
        except ConflictError:
            self.remove_release()
            raise
        self.told = moved.value
        return seen.but(current=moved.value["release"])

    def retire(self, seen: Observed) -> Observed:
        """Stop the releases that are not needed any more, after their requests in flight."""
        for name, target in self.old_releases().items():
            target.stop(self.release.deployment, name)
        return seen.but(outdated=())

    def roll_back(self, seen: Observed) -> Observed:
        """Show why in the task's log, remove the new release, and leave the old one serving.

        Raises:
            ReleaseRejectedError: Always.
        """
        said = self.target.logs(self.release.deployment, self.release.name)
        self.log.error("The last lines of %s:\n%s", self.release.name, said or "(it wrote nothing)")
        serving = self.give_back(seen)
        self.remove_release()
        raise ReleaseRejectedError(
            f"Version {self.release.version} of {self.release.model} was not rolled out to "
            f"{self.release.deployment}: {self.fault}; {serving}.",
            hint="the task's log holds the last lines of the rejected release",
        )

    # -- parts of steps ----------------------------------------------------------------------------------

    def give_back(self, seen: Observed) -> str:
        """Point back to the old release if this one was switched to already; say what serves."""
        pointer = self.ledger.pointer(self.pointer)
        value = pointer.value
        previous = value.get("previous")
        if seen.current == self.release.name and previous and previous["release"] in seen.outdated:
            value = self.ledger.move_pointer(self.claim, self.pointer, pointer.version, previous).value
        if value.get("release") in {None, self.release.name}:
            return "nothing serves"
        return f"version {value['version']} keeps serving"

    def old_releases(self) -> dict[str, ServingTarget]:
        """Return the releases that this one takes over from, each with its place."""
        places = [self.target, self.old_target] if self.old_target else [self.target]
        found = ((place, place.releases(self.release.deployment)) for place in places)
        return {name: place for place, running in found for name in outdated(self.release, running)}

    def remove_release(self) -> None:
        """Stop and remove the new release."""
        self.target.stop(self.release.deployment, self.release.name)

    def url(self) -> str | None:
        """Return where the release answers."""
        found = self.target.observe(self.release.deployment, self.release.name)
        return found.url if found else None

    def value(self) -> dict[str, Any]:
        """Return what the pointer is to say of the release."""
        told = self.release.to_json()
        kept = ("deployment", "model", "version", "target", "image", "image_id")
        return {**{key: told[key] for key in kept}, "release": self.release.name, "url": self.url()}
