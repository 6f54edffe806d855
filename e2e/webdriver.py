"""A small WebDriver client: the part of the W3C protocol that these tests need; elements by role and name."""

import http.client
import json
import re

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

# Candidates for each role. The browser itself then reports every element's role and accessible name.
CANDIDATES = {
    "button": "button, [role=button], summary",
    "heading": "h1, h2, h3, h4",
    "listitem": "li",
    "menuitem": "[role=menuitem]",
    "checkbox": "input[type=checkbox]",
    "radio": "input[type=radio], [role=radio]",
    "textbox": "input, textarea",
    "searchbox": "input[type=search]",
    "tab": "[role=tab]",
    "dialog": "dialog, [role=dialog]",
    "status": "[role=status], output",
}

# The driver's answers when the page has changed in the meantime.
GONE = ("stale element reference", "no such element")


class Refused(Exception):
    """A failure with the driver's own name for it, such as `no such element`."""

    def __init__(self, error, message):
        super().__init__(f"{error}: {message}")
        self.error = error


class Driver:
    """One connection to a driver."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, patience=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            value = json.load(connection.getresponse())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise Refused(value["error"], value.get("message", ""))
        return value

    def is_ready(self):
        try:
            return self.ask("GET", "/status", patience=5)["ready"]
        except (OSError, http.client.HTTPException):
            return False


class Page:
    """A WebDriver session: the page in the window of the app that the driver started."""

    def __init__(self, driver, binary, arguments=()):
        self.driver = driver
        options = {"binary": str(binary), "args": list(arguments)}
        capabilities = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        session = driver.ask("POST", "/session", {"capabilities": capabilities})
        self.path = f"/session/{session['sessionId']}"

    def end(self):
        self.driver.ask("DELETE", self.path)

    def script(self, text, *arguments):
        """Runs a function's body and returns its value, or its promise's."""
        wrapped = (
            "const done = arguments[arguments.length - 1];"
            f"Promise.resolve((async function () {{ {text} }}).apply(null, arguments))"
            ".then((value) => done({ value }), (error) => done({ error: String(error && error.message || error) }));"
        )
        answer = self.driver.ask(
            "POST", f"{self.path}/execute/async", {"script": wrapped, "args": list(arguments)}
        )
        assert "error" not in answer, f"the page's script failed: {answer['error']}"
        return answer.get("value")

    def all(self, role, name=None):
        """The visible elements of a role, by their whole accessible name or a pattern for it."""
        # Elements in a box with `content-visibility: auto` have no name before they are drawn.
        self.draw()
        body = {"using": "css selector", "value": CANDIDATES[role]}
        try:
            found = self.driver.ask("POST", f"{self.path}/elements", body)
        except Refused as refused:
            if refused.error in GONE:
                return []
            raise
        elements = [Element(self, one[ELEMENT]) for one in found]
        return [one for one in elements if one.fits(role, name)]

    def one(self, role, name=None):
        """The only such element, or None."""
        found = self.all(role, name)
        assert len(found) < 2, f"{len(found)} elements are {role} {name!r}"
        return found[0] if found else None

    def text(self):
        return self.script("return document.body.innerText")

    def draw(self):
        """Waits until the screen shows the current page."""
        self.script("for (let i = 0; i < 2; i++) await new Promise((drawn) => requestAnimationFrame(drawn))")


class Element:
    """An element of the page. One that no longer exists fits nothing."""

    def __init__(self, page, identifier):
        self.page = page
        self.path = f"{page.path}/element/{identifier}"
        self.reference = {ELEMENT: identifier}

    def fits(self, role, name):
        try:
            if not self.is_seen() or self.ask("GET", "computedrole") != role:
                return False
            return name is None or is_name(name, self.name())
        except Refused as refused:
            if refused.error in GONE:
                return False
            raise

    def is_seen(self):
        # The driver's own `displayed` takes a truncated text (`overflow: hidden`) for an invisible one.
        return self.page.script("return arguments[0].checkVisibility()", self.reference)

    def name(self):
        return self.ask("GET", "computedlabel")

    def text(self):
        return self.ask("GET", "text")

    def is_enabled(self):
        return self.ask("GET", "enabled")

    def click(self):
        self.ask("POST", "click", {})

    def type(self, text):
        self.ask("POST", "value", {"text": text})

    def ask(self, method, what, body=None):
        return self.page.driver.ask(method, f"{self.path}/{what}", body)


def is_name(wanted, name):
    return bool(wanted.search(name)) if isinstance(wanted, re.Pattern) else wanted == name
