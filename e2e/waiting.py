"""Waiting: the one place that polls. Tests wait for states; none sleeps for a guessed time."""

import time

PATIENCE = 60.0
LOOK = 0.05


def until(what, probe, patience=PATIENCE, look=LOOK):
    """Returns the first true answer of `probe`, or fails and says what did not happen."""
    deadline = time.monotonic() + patience
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"within {patience:.0f} s: {what}")
        time.sleep(look)


def stays(what, probe, seconds=1.0):
    """Fails when `probe` becomes false within a time. For what must not happen and leaves no state to wait for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert probe(), f"did not stay so: {what}"
        time.sleep(LOOK)
