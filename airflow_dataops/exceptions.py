"""What can go wrong, drawn as a tree; each error says whether a retry helps.

::

    DataOpsError
    ├── JudgementError            the data or the model is not good enough; a retry decides the same
    │   ├── GateHeldError
    │   ├── ModelRejectedError
    │   └── ReleaseRejectedError  the new version did not prove itself; the old one serves
    ├── BrokenCheckError          the check, suite or option itself is wrong; a person must mend it
    │   └── SourceError           the input is missing, empty or unreadable
    ├── ConflictError             somebody else moved what we wanted to move; make the evidence anew
    │   └── StaleAttemptError     this process is an older try that came back from the dead
    └── OutageError               a system does not answer; a retry helps

Inside tasks all but `OutageError` are turned into ``AirflowFailException``, so Airflow does not retry them.
"""

from __future__ import annotations

__all__ = [
    "BrokenCheckError",
    "ConflictError",
    "DataOpsError",
    "GateHeldError",
    "JudgementError",
    "ModelRejectedError",
    "OutageError",
    "ReleaseRejectedError",
    "SourceError",
    "StaleAttemptError",
]

MAX_MESSAGE_LENGTH = 4000


class DataOpsError(Exception):
    """Base of all our errors: one plain sentence, then what to do about it.

    Args:
        message: What was got and what is allowed, beginning with a plain sentence.
        hint: What to do; shown after a blank line.
    """

    retry_helps = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message[:MAX_MESSAGE_LENGTH]
        self.hint = hint
        super().__init__(self.message if hint is None else f"{self.message}\n\nhint: {hint}")


class JudgementError(DataOpsError):
    """The data or the model is not good enough: a verdict, not a fault."""


class GateHeldError(JudgementError):
    """A quality gate held the data back; the version published before stays current."""


class ModelRejectedError(JudgementError):
    """The challenger did not earn its place; the champion stays."""


class ReleaseRejectedError(JudgementError):
    """The new release did not become healthy or answered wrongly; the old one keeps serving."""


class BrokenCheckError(DataOpsError):
    """The check itself cannot be carried out: unknown column, unreadable suite, wrong option."""


class SourceError(BrokenCheckError):
    """The source of a dataset is missing, empty or not what its name says."""


class ConflictError(DataOpsError):
    """A pointer moved since the evidence was made, or two runs want the same thing at once."""


class StaleAttemptError(ConflictError):
    """A newer try of the same task has taken over; this one must not write any more."""


class OutageError(DataOpsError):
    """A system does not answer. Airflow's own retries apply.

    Args:
        system: What does not answer, as people call it ("MLflow", "the ledger").
        address: Where it was looked for, without credentials.
        conn_id: The Airflow connection that named the address, if one did.
        reason: What the client library said.
    """

    retry_helps = True

    def __init__(self, system: str, address: str, conn_id: str | None = None, reason: object = "") -> None:
        self.system, self.address, self.conn_id, self.reason = system, address, conn_id, str(reason)
        named = f" (connection {conn_id!r})" if conn_id else ""
        said = f": {reason}" if str(reason) else ""
        super().__init__(
            f"{system} at {address}{named} does not answer{said}",
            hint="start it or correct the connection; the next retry goes on where this one stopped",
        )
