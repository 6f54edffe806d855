"""What a screen reader gets: the tree of the app's window on the accessibility bus (AT-SPI), read over D-Bus.

It only reads. The keys are sent through the screen, as a user without a pointer sends them.
"""

from jeepney import DBusAddress, MessageType, Properties, new_method_call
from jeepney.io.blocking import open_dbus_connection
from waiting import until

ACCESSIBLE = "org.a11y.atspi.Accessible"
ROOT = "/org/a11y/atspi/accessible/root"
NULL = "/org/a11y/atspi/null"
# A bit of AtspiStateType.
FOCUSED = 12
# AtspiRole. WebKit gives no names of roles.
ROLES = {
    "dialog": 16,
    "filler": 20,
    "list item": 32,
    "button": 43,
    "paragraph": 73,
    "heading": 83,
    "landmark": 110,
}
NAMES = {number: name for name, number in ROLES.items()}


class Heard:
    """An element as a screen reader has it."""

    def __init__(self, role, name, states):
        self.role = role
        self.name = name
        self.is_focused = FOCUSED in states

    def __repr__(self):
        return f"{self.role} {self.name!r}{' (focused)' if self.is_focused else ''}"


class ScreenReader:
    """Reads the windows of one program, and presses keys."""

    def __init__(self, desktop, program):
        self.desktop = desktop
        self.program = program
        session = open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"])
        ask = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
        address = session.send_and_get_reply(ask, timeout=20).body[0]
        # As every screen reader says when it starts.
        status = Properties(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Status"))
        for name in ("IsEnabled", "ScreenReaderEnabled"):
            session.send_and_get_reply(status.set(name, "b", True), timeout=20)
        session.close()
        self.bus = open_dbus_connection(address)

    def close(self):
        self.bus.close()

    def tree(self):
        """Every element, from the outside in."""
        found = []
        for bus, path in self._children("org.a11y.atspi.Registry", ROOT):
            if self._name(bus, path) == self.program:
                self._walk(bus, path, found)
        return found

    def focused(self):
        """What has the keyboard: the innermost element that says so."""
        return next((one for one in reversed(self.tree()) if one.is_focused), None)

    def hear(self, role, name):
        """Waits until there is an element of a role, whose name begins so."""
        return self._wait(f"a {role} called {name!r}", lambda: next(iter(self._all(role, name)), None))

    def hear_no(self, role, name):
        """Waits until there is none."""
        self._wait(f"no {role} called {name!r}", lambda: not self._all(role, name))

    def hear_text(self, text):
        """Waits until some element says a text."""
        self._wait(f"the text {text!r}", lambda: any(text in one.name for one in self.tree()))

    def on(self, name):
        """Waits until the keyboard is on an element whose name begins so."""
        self._wait(f"the keyboard on {name!r}", lambda: self._is_on(name))

    def press(self, *keys):
        self.desktop.run("xdotool", "key", "--delay", 30, *keys)

    def tab_to(self, name, key="Tab", most=60):
        """Presses Tab until the keyboard is on an element whose name begins so."""
        passed = []
        for _ in range(most):
            if self._is_on(name):
                return
            passed.append(repr(self.focused()))
            self.press(key)
            until("the keyboard moves", lambda: repr(self.focused()) != passed[-1], patience=10)
        raise AssertionError(f"{key} never came to {name!r}, but to {passed}")

    def shift_tab_to(self, name):
        """As `tab_to`, backwards."""
        self.tab_to(name, key="shift+Tab")

    def _all(self, role, name):
        return [one for one in self.tree() if one.role == role and one.name.startswith(name)]

    def _is_on(self, name):
        at = self.focused()
        return at is not None and at.name.startswith(name)

    def _wait(self, what, probe):
        try:
            return until(f"a screen reader has {what}", probe, look=0.2)
        except AssertionError as failure:
            lines = "\n".join(map(repr, self.tree()))
            raise AssertionError(f"{failure}\nIt has:\n{lines}") from None

    def _walk(self, bus, path, found):
        number = self._ask(bus, path, "GetRole")
        states = self._ask(bus, path, "GetState")
        if number is None or states is None:
            return
        low, high = states
        bits = low | high << 32
        states = {bit for bit in range(64) if bits >> bit & 1}
        role = NAMES.get(number, str(number))
        name = self._text(bus, path) if role == "paragraph" else self._name(bus, path)
        found.append(Heard(role, name, states))
        for child in self._children(bus, path):
            self._walk(*child, found)

    def _text(self, bus, path):
        address = DBusAddress(path, bus, "org.a11y.atspi.Text")
        reply = self._send(new_method_call(address, "GetText", "ii", (0, -1)))
        return "" if reply is None else reply[0]

    def _name(self, bus, path):
        reply = self._send(Properties(DBusAddress(path, bus, ACCESSIBLE)).get("Name"))
        return "" if reply is None else reply[0][1]

    def _children(self, bus, path):
        children = self._ask(bus, path, "GetChildren") or self._plugged(bus, path)
        return [(name, child) for name, child in children if child != NULL]

    def _plugged(self, bus, path):
        """The page in a web view, which its process plugs in: `GetChildren` leaves it out."""
        if self._ask(bus, path, "GetRole") != ROLES["filler"]:
            return []
        message = new_method_call(DBusAddress(path, bus, ACCESSIBLE), "GetChildAtIndex", "i", (0,))
        return [child for child in self._send(message) or [] if child[0]]

    def _ask(self, bus, path, method):
        reply = self._send(new_method_call(DBusAddress(path, bus, ACCESSIBLE), method))
        return None if reply is None else reply[0]

    def _send(self, message):
        """The answer, or nothing from an element that is gone."""
        try:
            reply = self.bus.send_and_get_reply(message, timeout=5)
        except TimeoutError:
            return None
        return None if reply.header.message_type == MessageType.error else reply.body
