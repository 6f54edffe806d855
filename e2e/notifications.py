"""A notification daemon on D-Bus: records notifications and presses their buttons."""

import threading

from jeepney import DBusAddress, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
from waiting import until

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"


class NotificationDaemon:
    """Owns the bus name that programs send their notifications to."""

    def __init__(self, desktop):
        self.shown = []
        self.bus = open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"])
        self.bus.send_and_get_reply(message_bus.RequestName(NAME))
        self.presses = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.ended.set()
        self.thread.join()
        self.bus.close()

    def wait_for(self, summary):
        """Waits for the notification with a summary; returns its body and buttons."""

        def found():
            return [(body, buttons) for title, body, buttons in self.shown if title == summary]

        return until(f"a notification {summary!r} is shown", found)[0]

    def press(self, summary, button):
        """Presses the button with this label."""
        _, buttons = self.wait_for(summary)
        number = [title for title, _, _ in self.shown].index(summary) + 1
        self.presses.append((number, buttons[button]))

    def _serve(self):
        address = DBusAddress(PATH, interface=NAME)
        while not self.ended.is_set():
            while self.presses:
                self.bus.send(new_signal(address, "ActionInvoked", "us", self.presses.pop()))
            try:
                message = self.bus.receive(timeout=0.1)
            except TimeoutError:
                continue
            if message.header.message_type == MessageType.method_call:
                self.bus.send(self._answer(message))

    def _answer(self, message):
        fields = {field.name: value for field, value in message.header.fields.items()}
        match fields["member"]:
            case "Notify":
                _, _, _, summary, body, actions, _, _ = message.body
                self.shown.append((summary, body, dict(zip(actions[1::2], actions[0::2]))))
                return new_method_return(message, "u", (len(self.shown),))
            case "GetCapabilities":
                return new_method_return(message, "as", (["actions", "body"],))
            case "GetServerInformation":
                return new_method_return(message, "ssss", ("test", "test", "1", "1.2"))
            case "CloseNotification":
                return new_method_return(message)
            case _:
                return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
