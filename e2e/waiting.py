"""Waiting: the one place that polls. Nothing here or in a test sleeps for a guessed time."""

import time

PATIENCE = 30.0
LOOK = 0.05


def until(what, probe, patience=PATIENCE, look=LOOK):
    """Gives the first answer of `probe` that is true, or fails saying what did not happen."""
    deadline = time.monotonic() + patience
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"within {patience:.0f} s: {what}")
        time.sleep(look)


def stays(what, probe, seconds=1.0):
    """Fails when `probe` becomes false within a time: for what must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert probe(), f"did not stay so: {what}"
        time.sleep(LOOK)
