"""The fixtures of the Windows tests: wine, and nothing of ours left behind in its registry."""

import pytest
from wine import USER, Wine


@pytest.fixture
def wine(desktop):
    wine = Wine(desktop)
    wine.set_path(r"C:\tools")
    yield wine
    uninstaller = USER / "AppData/Local/Multi-Cloud Manager/uninstall.exe"
    if uninstaller.exists():
        wine.run(uninstaller, "/S", check=False)
    wine.close()
