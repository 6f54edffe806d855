"""The sandbox clouds as a process, and the scripted person with a browser."""

import json
import shlex
import urllib.request

from desktop import BINARIES
from waiting import until


class Clouds:
    """The stand-in clouds; `env` points a program at them."""

    def __init__(self, desktop):
        variables = desktop.folder / "clouds.env"
        desktop.start(BINARIES / "sandbox-clouds", "serve", "--print-env", variables, log="clouds")
        until("the sandbox clouds are there", variables.exists)
        self.env = dict(line.split("=", 1) for line in variables.read_text().splitlines())

    def requests(self, endpoint, **fields):
        """The requests so far that came to an endpoint."""
        fields["endpoint"] = endpoint
        requests = json.loads(self._control("requests"))
        return [one for one in requests if all(one.get(name) == value for name, value in fields.items())]

    def secrets(self):
        """Every secret that the clouds have handed out or taken in so far."""
        return json.loads(self._control("secrets"))

    def revoke(self, person):
        """Ends every sign-in of a person at the clouds."""
        self._control("people", {"person": person, "revoke": "password-changed"})

    def change(self, **settings):
        """Changes how the clouds behave, by the settings' names with underscores."""
        self._control("settings", {name.replace("_", "-"): value for name, value in settings.items()})

    def fault(self, endpoint, fault, **rule):
        """Makes an endpoint fail, or be slow."""
        self._control("faults", {"endpoint": endpoint, "fault": fault} | rule)

    def clear_faults(self):
        self._control("faults", method="DELETE")

    def access_key(self, user, seconds=None):
        """Keys of AWS: a user's own, or those of a session of so many seconds."""
        wish = {"user": user} if seconds is None else {"user": user, "seconds": seconds}
        return json.loads(self._control("aws-keys", wish))

    def put_role(self, **role):
        """Creates a role of AWS, or replaces the one with the same ARN."""
        self._control("aws-roles", {name.replace("_", "-"): value for name, value in role.items()}, "PUT")

    def assumptions(self, role):
        """The attempts to assume a role so far."""
        return [one for one in json.loads(self._control("aws-assumptions")) if one["role-arn"] == role]

    def _control(self, what, body=None, method=None):
        url = f"{self.env['AZURE_AUTHORITY_HOST'].rstrip('/')}/_sandbox/{what}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()


class Person:
    """Who sits in front of the browser. The browser is a script that does what is set here when it is called."""

    def __init__(self, desktop):
        self.desktop = desktop
        self.program = desktop.folder / "browser"
        self.pages = desktop.folder / "pages"
        self.deed = desktop.folder / "deed"
        self.variables = desktop.folder / "variables"
        sandbox = shlex.quote(str(BINARIES / "sandbox-clouds"))
        pages, deed, variables = (shlex.quote(str(file)) for file in (self.pages, self.deed, self.variables))
        self.program.write_text(
            f'#!/bin/sh\nenv >{variables}\nprintf "%s\\n" "$1" >>{pages}\nread -r deed <{deed}\n'
            f"case $deed in\n"
            f"  idle) ;;\n"
            f'  refuse) SANDBOX_REFUSE=1 exec {sandbox} "$1" ;;\n'
            f'  *) SANDBOX_PERSON=$deed exec {sandbox} "$1" ;;\n'
            f"esac\n"
        )
        self.program.chmod(0o755)
        self.env = {"BROWSER": str(self.program)}
        self.signs_in()

    def opens_links_with(self, *command):
        """How the browser hands over an app's links: `gio open` as on GNOME, `xdg-open` elsewhere, which in its version
        1.1.3 takes a scheme with digits in it for a file's name."""
        opener = self.desktop.folder / "open-link"
        opener.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$1"\n')
        opener.chmod(0o755)
        self.env["SANDBOX_OPEN_WITH"] = str(opener)

    def signs_in(self, email="ada@contoso.example"):
        self.deed.write_text(f"{email}\n")

    def refuses(self):
        self.deed.write_text("refuse\n")

    def does_nothing(self):
        self.deed.write_text("idle\n")

    def visited(self):
        """The pages that the browser was sent to."""
        return self.pages.read_text().splitlines() if self.pages.exists() else []

    def inherited(self):
        """The names of the variables that the browser was started with."""
        return {line.split("=")[0] for line in self.variables.read_text().splitlines()}

    def browse(self, page):
        """Finishes what was left lying: visits the page and signs in."""
        self.desktop.run(self.program, page)
