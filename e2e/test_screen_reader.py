"""The main path by keyboard alone, as a screen reader has it: first run, connect, switch, renew, disconnect."""

import pytest
from app import BINARY
from screen_reader import ScreenReader


@pytest.fixture
def reader(desktop):
    reader = ScreenReader(desktop, "multi-cloud-manager")
    yield reader
    reader.close()


def test_the_main_path_is_walked_by_keyboard_as_a_screen_reader_has_it(desktop, clouds, user, reader):
    desktop.start(BINARY, log="app", env=clouds.env | user.env)

    # First run.
    reader.hear("heading", "Welcome to Multi-Cloud Manager")
    for step in ("1. Connect a cloud", "2. Choose the switcher", "3. Try it in a terminal"):
        reader.hear("heading", step)
    reader.tab_to("Azure")

    # Connect: the keyboard is on the new row, and the result is announced.
    reader.press("Return")
    reader.hear("list item", "Contoso, Azure, ")
    reader.hear_text("Contoso is connected.")
    reader.on("Contoso")
    reader.hear("landmark", "Details of Contoso")
    reader.hear("heading", "Use in a terminal")
    reader.tab_to("Add Northwind")
    reader.press("Return")
    reader.hear("list item", "Northwind, Azure, ")
    assert ", in use, " in reader.hear("list item", "Contoso, ").name
    assert ", in use, " not in reader.hear("list item", "Northwind, ").name

    # Switch: the rows are one stop of Tab, the arrows move in them, and the details follow.
    reader.shift_tab_to("Contoso")
    reader.press("Down")
    reader.on("Northwind")
    reader.hear("landmark", "Details of Northwind")
    reader.press("u")
    reader.hear_text("Northwind is in use.")
    assert ", in use, " in reader.hear("list item", "Northwind, ").name
    assert ", in use, " not in reader.hear("list item", "Contoso, ").name
    reader.on("Northwind")

    # Renew.
    reader.press("r")
    reader.hear_text("Northwind was renewed.")
    reader.on("Northwind")

    # Disconnect: a question with its own name, an undo, and a place for the keyboard afterwards.
    reader.press("Delete")
    reader.hear("dialog", "Disconnect Northwind?")
    reader.tab_to("Disconnect")
    reader.press("Return")
    reader.hear("button", "Undo disconnecting Northwind")
    reader.hear_text("Northwind was disconnected.")
    reader.hear_no("list item", "Northwind, ")
    reader.on("Contoso")
