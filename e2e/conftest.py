"""The fixtures: a private desktop, clouds, a user with a browser, and a way to start the app."""

import shutil

import pytest
from app import App
from clouds import Clouds, User
from desktop import SHOTS, Desktop
from notifications import NotificationDaemon
from panel import Panel
from tray import TrayHost


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    desktop = item.funcargs.get("desktop")
    if report.failed and report.when == "call" and desktop is not None:
        # Before the fixtures tear everything down.
        desktop.shot(f"failed-{item.name}")
        for log in sorted(desktop.folder.glob("*.log")):
            shutil.copy(log, SHOTS / f"failed-{item.name}-{log.name}")
    return report


@pytest.fixture
def desktop():
    desktop = Desktop()
    yield desktop
    desktop.close()


@pytest.fixture
def clouds(desktop):
    return Clouds(desktop)


@pytest.fixture
def user(desktop):
    return User(desktop)


@pytest.fixture
def start(desktop, clouds, user):
    """Starts the app against the sandbox clouds."""
    apps = []

    def start(*arguments, **env):
        apps.append(App(desktop, clouds.env | user.env | env, *arguments))
        return apps[-1]

    yield start
    for app in apps:
        app.close()


@pytest.fixture
def tray(desktop):
    """A desktop with a tray."""
    host = TrayHost(desktop)
    yield host
    host.close()


@pytest.fixture
def notifications(desktop):
    """A desktop that shows notifications."""
    daemon = NotificationDaemon(desktop)
    yield daemon
    daemon.close()


@pytest.fixture
def panel(desktop):
    """A desktop with a real panel."""
    panel = Panel(desktop)
    yield panel
    panel.close()
