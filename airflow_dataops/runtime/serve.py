"""The scoring server: one MLflow model behind MLflow's own protocol, in one process that drains before it ends.

It is a program of one file: images copy it beside the model, and the ``process`` target starts it from here.
Beyond the model's own requirements it needs ``mlflow-skinny`` (or mlflow), pandas and uvicorn::

    python serve.py --model FOLDER --host 127.0.0.1 --port 0 --state-dir FOLDER --label dataops.model=flights
    python serve.py --check http://127.0.0.1:8080/ping      # exit code 0 when it answers 200

Paths: ``/ping`` and ``/health``, ``/version``, ``/invocations``. SIGTERM lets requests in flight finish.

With ``--state-dir`` the server holds a lock on ``lock`` in that folder for as long as it lives, so there is one
server per folder and "alive" is "the lock is held", which a process id alone never tells. Once it listens it
writes ``server.json`` there: pid, port, url, labels.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO
from urllib.parse import urlsplit

__all__ = [
    "ALREADY_SERVED",
    "answers",
    "holder",
    "main",
    "parse",
    "read_state",
    "scoring_app",
    "serve",
    "single_server",
]

ALREADY_SERVED = 3
"""Exit code of a server that found another one holding the folder."""

STATE_FILE, LOCK_FILE = "server.json", "lock"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a running server, or serve until SIGTERM."""
    options = parse(arguments)
    if options.check:
        return 0 if answers(options.check) else 1
    signal.signal(signal.SIGTERM, leave)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        with single_server(options.state_dir, detach=options.detach):
            serve(options)
    except BlockingIOError:
        print(f"{options.state_dir} is served by another process", flush=True)
        return ALREADY_SERVED
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; ``labels`` holds the labels as a dict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, help="the model's folder, as MLflow writes it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--state-dir", type=Path, help="folder of the lock and of server.json")
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--detach", action="store_true", help="go on in the background once the lock is held")
    parser.add_argument("--drain", type=int, default=30, help="seconds that requests in flight may take to finish")
    parser.add_argument("--check", metavar="URL", help="ask a running server instead, and exit")
    options = parser.parse_args(arguments)
    if not options.check and options.model is None:
        parser.error("--model is missing: give the folder that holds the file MLmodel")
    options.labels = dict(label.partition("=")[::2] for label in options.label)
    return options


def leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End with success; also while the model loads, and as process 1, which SIGTERM alone does not end."""
    raise SystemExit(0)


def serve(options: argparse.Namespace) -> None:
    """Load the model and answer requests until told to stop."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            write_state(options.state_dir, describe(options, listening_port(self)))

    config = uvicorn.Config(
        scoring_app(options.model),
        host=options.host,
        port=options.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=options.drain,
    )
    Server(config).run()


def scoring_app(model: Path) -> Callable[..., Any]:
    """Return MLflow's own scoring app for the model in a folder; no tracking server is asked."""
    import mlflow.pyfunc
    from mlflow.pyfunc import scoring_server

    app: Callable[..., Any] = scoring_server.init(mlflow.pyfunc.load_model(str(model)))
    return app


def listening_port(server: Any) -> int:
    """Return the port that was really taken."""
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


def describe(options: argparse.Namespace, port: int) -> dict[str, Any]:
    """Return what ``server.json`` tells."""
    url = f"http://{options.host}:{port}"
    return {"pid": os.getpid(), "port": port, "url": url, "labels": options.labels}


@contextlib.contextmanager
def single_server(folder: Path | None, *, detach: bool = False) -> Iterator[None]:
    """Hold the folder's lock; the kernel lets go of it however this process ends.

    Args:
        folder: Where the lock lies; None serves without one.
        detach: Go on in a child process, which inherits the lock, and end this one with success: whoever
            started us knows then that the lock is held, and need not wait for anything else.

    Raises:
        BlockingIOError: Another process holds it.
    """
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a") as lock:
        take(lock)
        child = fork() if detach else None
        if child != 0:
            lock.truncate(0)
            lock.write(str(child or os.getpid()))
            lock.flush()
        if child:
            os._exit(0)
        (folder / STATE_FILE).unlink(missing_ok=True)
        try:
            yield
        finally:
            (folder / STATE_FILE).unlink(missing_ok=True)


def fork() -> int:
    """Fork without losing a SIGTERM: Python forgets the signals that reach a child before it has woken up."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return child


def take(lock: TextIO) -> None:
    """Lock the file; somebody who merely looks whether it is locked disturbs only for a moment.

    Raises:
        BlockingIOError: Another process holds it.
    """
    for _ in range(10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.05)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_state(folder: Path | None, state: dict[str, Any]) -> None:
    """Write ``server.json`` in one step, so that a reader sees all of it or nothing."""
    if folder is None:
        return
    temporary = folder / f".{STATE_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(state, sort_keys=True))
    temporary.replace(folder / STATE_FILE)


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return what the server of a folder tells of itself; None while it starts."""
    try:
        state: dict[str, Any] = json.loads((folder / STATE_FILE).read_text())
    except FileNotFoundError:
        return None
    return state


def holder(folder: Path) -> int | None:
    """Return the process id of the living server of a folder, or None."""
    try:
        with (folder / LOCK_FILE).open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0)
    except FileNotFoundError:
        return None
    return None


def answers(url: str, timeout: float = 3.0) -> bool:
    """Whether a GET of the URL is answered with 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/ping")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
