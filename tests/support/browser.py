"""A Chromium that tests steer over its debugging port: open a page, wait for words, click, read."""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import connect

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1500,1400",
    "--remote-debugging-port=0",
]


class Tab:
    """One page.

    Args:
        address: Its debugging address.
        closing: Closes what was opened.
    """

    def __init__(self, address: str, closing: ExitStack) -> None:
        self.socket = closing.enter_context(connect(address, max_size=None))
        self.numbers = itertools.count(1)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script: str) -> Any:
        """Run JavaScript and return its value."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def text(self) -> str:
        return self.run("document.body ? document.body.innerText : ''") or ""

    def wait_for(self, script: str, seconds: float = 60) -> Any:
        """Wait until JavaScript gives something true, and return it."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, f"waited for {script}; the page says {self.text()[:2000]}"
            time.sleep(0.3)
        return value


class Browser:
    """A running Chromium.

    Args:
        port: Its debugging port.
        closing: Closes what was opened.
    """

    def __init__(self, port: int, closing: ExitStack) -> None:
        self.closing = closing
        self.base = f"http://127.0.0.1:{port}/json"

    def open(self, url: str) -> Tab:
        tab = Tab(requests.put(f"{self.base}/new?{url}", timeout=30).json()["webSocketDebuggerUrl"], self.closing)
        tab.call("Runtime.enable")
        return tab

    def tab_at(self, part: str, seconds: float = 30) -> Tab:
        """Return the tab whose address holds these letters, as soon as there is one."""
        deadline = time.monotonic() + seconds
        while True:
            listed = requests.get(f"{self.base}/list", timeout=30).json()
            for target in listed:
                if target["type"] == "page" and part in target["url"]:
                    return Tab(target["webSocketDebuggerUrl"], self.closing)
            assert time.monotonic() < deadline, [target["url"] for target in listed]
            time.sleep(0.3)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start Chromium with a profile of its own, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [path, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            told = Path(profile) / "DevToolsActivePort"
            deadline = time.monotonic() + 60
            while not (told.exists() and told.read_text().strip()):
                assert time.monotonic() < deadline, "Chromium does not start"
                time.sleep(0.2)
            with ExitStack() as closing:
                yield Browser(int(told.read_text().split()[0]), closing)
        finally:
            process.terminate()
            process.wait(30)
