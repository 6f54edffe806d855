"""The tray over D-Bus: reads and clicks menus as a panel would, on a stand-in panel or a real one."""

import threading

from jeepney import DBusAddress, MessageType, Properties, new_error, new_method_call, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
from waiting import until

WATCHER = "org.kde.StatusNotifierWatcher"
MENU = "com.canonical.dbusmenu"


class Tray:
    """The icons that a panel shows, whichever panel it is."""

    def __init__(self, desktop):
        self.client = open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"])

    def close(self):
        self.client.close()

    def items(self):
        """The connection and object of each icon; empty while there is no panel."""
        watcher = Properties(DBusAddress("/StatusNotifierWatcher", WATCHER, WATCHER))
        reply = self._ask(watcher.get("RegisteredStatusNotifierItems"))
        if reply.header.message_type == MessageType.error:
            return []
        return [(name, "/" + path) for name, path in (item.split("/", 1) for item in reply.body[0][1])]

    def menu(self):
        """The menu as lines: indented, `*` for a tick, `(…)` for a disabled entry."""
        return [line for line, _ in self._entries()]

    def wait_for(self, *lines):
        """Waits until the menu has all these lines."""
        until(f"the tray's menu has {lines}", lambda: all(line in self.menu() for line in lines))

    def choose(self, label):
        """Clicks the entry with a label, which is compared without tick and indentation."""

        def chosen():
            numbers = [number for line, number in self._entries() if line.strip().removeprefix("* ") == label]
            assert len(numbers) == 1, f"{label!r} occurs {len(numbers)} times in {self.menu()}"
            bus_name, path = self._menu()
            event = (numbers[0], "clicked", ("i", 0), 0)
            reply = self._ask(new_method_call(DBusAddress(path, bus_name, MENU), "Event", "isvu", event))
            if reply.header.message_type == MessageType.error and "does not refer" in reply.body[0]:
                return False  # The menu was rebuilt in the meantime.
            if reply.header.message_type == MessageType.error and "disconnected" in reply.body[0]:
                return True  # The app quit before it answered.
            assert reply.header.message_type == MessageType.method_return, reply.body
            return True

        until(f"{label!r} is clicked", chosen)

    def icon(self):
        """The name of the current icon file."""
        return self._property(self._item(), "org.kde.StatusNotifierItem", "IconName")

    def numbers(self):
        """The entries' numbers on the bus."""
        return [number for _, number in self._entries()]

    def process(self):
        """The process of the newest icon; None when it has ended."""
        name, _ = self._item()
        reply = self._ask(message_bus.GetConnectionUnixProcessID(name))
        return reply.body[0] if reply.header.message_type == MessageType.method_return else None

    def _entries(self):
        entries = []

        def walk(node, depth):
            number, properties, children = node
            value = {name: value for name, (_, value) in properties.items()}
            if depth >= 0 and value.get("visible", True):
                line = "--" if value.get("type") == "separator" else value.get("label", "")
                if not value.get("enabled", True):
                    line = f"({line})"
                if value.get("toggle-state") == 1:
                    line = f"* {line}"
                entries.append(("  " * depth + line, number))
            for _, child in children:
                walk(child, depth + 1)

        menu = self._menu()
        self._call(menu, "AboutToShow", "i", (0,))
        walk(self._call(menu, "GetLayout", "iias", (0, -1, []))[1], -1)
        return entries

    def _item(self):
        return until("the app's icon is in the tray", self.items)[-1]

    def _menu(self):
        name, _ = self._item()
        return name, self._property(self._item(), "org.kde.StatusNotifierItem", "Menu")

    def _property(self, item, interface, name):
        bus_name, path = item
        message = Properties(DBusAddress(path, bus_name, interface)).get(name)
        return self._reply(message)[0][1]

    def _call(self, item, method, signature, body):
        bus_name, path = item
        return self._reply(new_method_call(DBusAddress(path, bus_name, MENU), method, signature, body))

    def _ask(self, message):
        return self.client.send_and_get_reply(message, timeout=10)

    def _reply(self, message):
        reply = self._ask(message)
        assert reply.header.message_type == MessageType.method_return, reply.body
        return reply.body


class TrayHost(Tray):
    """A stand-in panel: owns the bus name that icons register with, and shows nothing."""

    def __init__(self, desktop):
        self.taken = []
        self.host = open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"])
        self.host.send_and_get_reply(message_bus.RequestName(WATCHER))
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        super().__init__(desktop)

    def close(self):
        self.ended.set()
        self.thread.join()
        self.host.close()
        super().close()

    def _serve(self):
        while not self.ended.is_set():
            try:
                message = self.host.receive(timeout=0.1)
            except TimeoutError:
                continue
            except ConnectionResetError:
                return  # The bus went away.
            if message.header.message_type == MessageType.method_call:
                self.host.send(self._answer(message))

    def _answer(self, message):
        fields = {field.name: value for field, value in message.header.fields.items()}
        facts = {
            "IsStatusNotifierHostRegistered": ("b", True),
            "ProtocolVersion": ("i", 0),
            "RegisteredStatusNotifierItems": ("as", [name + path for name, path in self.taken]),
        }
        match fields["member"]:
            case "RegisterStatusNotifierItem":
                path = message.body[0]
                self.taken.append(
                    (fields["sender"], path) if path.startswith("/") else (path, "/StatusNotifierItem")
                )
                return new_method_return(message)
            case "RegisterStatusNotifierHost":
                return new_method_return(message)
            case "Get":
                return new_method_return(message, "v", (facts[message.body[1]],))
            case "GetAll":
                return new_method_return(message, "a{sv}", (facts,))
            case _:
                return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
