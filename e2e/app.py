"""The app under test: its real debug binary, driven through its window."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from desktop import BINARIES
from waiting import until
from webdriver import GONE, Driver, Page, Refused

BINARY = BINARIES / "multi-cloud-manager"
PORT_TAKEN = "Failed to start remote inspector server"


class App:
    """The app with a driver at its window. A second `start` is a second process."""

    def __init__(self, desktop, env, *arguments, binary=BINARY):
        self.desktop = desktop
        self.binary = binary
        attempts = (self._start(env, arguments) for _ in range(3))
        assert any(attempts), "the driver found no port for the app three times"
        self.pid = until("the app runs", lambda: child_of(self.driver_process.pid, binary))

    def _start(self, env, arguments):
        """Starts a driver, which starts the app. Returns False when another program took the port that the driver chose
        for the app; the driver itself does not notice."""
        port = free_port()
        log = self.desktop.folder / "driver.log"
        reported = log.read_text(errors="replace").count(PORT_TAKEN) if log.exists() else 0
        self.driver_process = self.desktop.start(
            "WebKitWebDriver", f"--port={port}", log="driver", env=env | {"TAURI_WEBVIEW_AUTOMATION": "true"}
        )
        driver = Driver(port)
        until("the driver is there", driver.is_ready)
        try:
            self.page = Page(driver, self.binary, arguments)
            return True
        except TimeoutError:
            if log.read_text(errors="replace").count(PORT_TAKEN) == reported:
                raise
            for pid in [*descendants(self.driver_process.pid), self.driver_process.pid]:
                os.kill(pid, signal.SIGKILL)
            self.driver_process.wait()
            return False

    # What the user does.

    def see(self, role, name=None, patience=30):
        """Waits until an element is visible."""
        try:
            return until(f"{role} {name!r} is visible", lambda: self.page.one(role, name), patience)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\nThe window shows:\n{self.page.text()}") from None

    def click(self, role, name=None):
        """Waits until an element is enabled, and clicks it."""

        def clicked():
            try:
                element = self.page.one(role, name)
                if element is None or not element.is_enabled():
                    return False
                element.click()
                return True
            except Refused as refused:
                if refused.error in (*GONE, "element click intercepted", "element not interactable"):
                    return False
                raise

        try:
            until(f"{role} {name!r} can be clicked", clicked)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\nThe window shows:\n{self.page.text()}") from None

    def choose(self, name, option):
        """Chooses an option by a part of its text, in the list with a label."""
        # The driver reports no role for a `select`.
        script = (
            "const [name, text] = arguments;"
            "const label = [...document.querySelectorAll('label')].find((one) => one.textContent.trim() === name);"
            "const found = [...label?.control?.options ?? []].find((one) => !one.disabled && one.textContent.includes(text));"
            "if (found === undefined) return false;"
            "label.control.value = found.value;"
            "label.control.dispatchEvent(new Event('change', { bubbles: true }));"
            "return true;"
        )
        until(f"{option!r} can be chosen in {name!r}", lambda: self.page.script(script, name, option))

    def read(self, text, patience=30):
        """Waits until the window shows a text."""
        fits = re.compile(text).search if isinstance(text, str) else text.search
        try:
            return until(f"the window shows {text!r}", lambda: fits(self.page.text()), patience)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\nThe window shows:\n{self.page.text()}") from None

    def picture(self, name):
        """Saves a picture of the screen to look at later. The driver's own pictures would wait for the graphics card."""
        self.page.draw()
        self.desktop.shot(name)

    def accounts(self):
        """The names of the rows."""
        return self.page.script(
            "return [...document.querySelectorAll('[data-account]')].map((row) => row.textContent.trim())"
        )

    # Ending it.

    def kill(self):
        """Ends the app as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)
        until("the app is gone", self.is_gone)
        self.driver_process.kill()
        self.driver_process.wait()

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)

    def is_gone(self):
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    def web_processes(self):
        """The processes that draw the app's pages."""
        return web_processes(self.pid)

    def close(self):
        if not self.is_gone():
            self.terminate()
            until("the app ends on request", self.is_gone)
        self.driver_process.terminate()
        self.driver_process.wait()


def second_start(desktop, env, *arguments):
    """Starts the app's binary once more and returns its exit status."""
    command = [str(BINARY), *arguments]
    return subprocess.run(
        command, env=desktop.env | env, cwd=desktop.folder, timeout=30, capture_output=True
    ).returncode


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def web_processes(parent):
    """The processes below another that draw pages."""
    return [pid for pid in descendants(parent) if "WebKitWebProcess" in program_of(pid)]


def child_of(parent, binary):
    return next((pid for pid in descendants(parent) if program_of(pid) == str(binary)), None)


def program_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def descendants(parent):
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, unseen = [], [parent]
    while unseen:
        more = children.get(unseen.pop(), [])
        found += more
        unseen += more
    return found
