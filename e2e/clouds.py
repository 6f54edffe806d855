"""The sandbox clouds as a process, and the scripted user with a browser."""

import json
import shlex
import sys
import urllib.request

from desktop import BINARIES
from waiting import until


class Clouds:
    """The stand-in clouds. `env` leads a program to them."""

    def __init__(self, desktop):
        variables = desktop.folder / "clouds.env"
        desktop.start(BINARIES / "sandbox-clouds", "serve", "--print-env", variables, log="clouds")
        until("the sandbox clouds run", variables.exists)
        self.env = dict(line.split("=", 1) for line in variables.read_text().splitlines())

    def requests(self, endpoint, **fields):
        """The requests that an endpoint has received so far."""
        fields["endpoint"] = endpoint
        requests = json.loads(self._control("requests"))
        return [one for one in requests if all(one.get(name) == value for name, value in fields.items())]

    def secrets(self):
        """Every secret that the clouds have issued or received so far."""
        return json.loads(self._control("secrets"))

    def revoke(self, user):
        """Revokes every sign-in of a user."""
        self._control("users", {"user": user, "revoke": "password-changed"})

    def change(self, **settings):
        """Changes the clouds' settings, named with underscores."""
        self._control("settings", {name.replace("_", "-"): value for name, value in settings.items()})

    def fault(self, endpoint, fault, **rule):
        """Makes an endpoint fail, or respond slowly."""
        self._control("faults", {"endpoint": endpoint, "fault": fault} | rule)

    def clear_faults(self):
        self._control("faults", method="DELETE")

    def access_key(self, user, seconds=None):
        """AWS keys: a user's own, or those of a session that lasts some seconds."""
        body = {"user": user} if seconds is None else {"user": user, "seconds": seconds}
        return json.loads(self._control("aws-keys", body))

    def put_role(self, **role):
        """Creates an AWS role, or replaces the one with the same ARN."""
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


# Prints the page that the app's link leads to. The link works once.
FOLLOW = """
import http.client, sys, urllib.parse
link = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(link.netloc, timeout=10)
connection.request("GET", link.path)
print(connection.getresponse().headers["Location"])
"""


class User:
    """The user at the browser. The browser is a script that does what was set here."""

    def __init__(self, desktop):
        self.desktop = desktop
        self.program = desktop.folder / "browser"
        self.pages = desktop.folder / "pages"
        self.action = desktop.folder / "action"
        self.variables = desktop.folder / "variables"
        sandbox = shlex.quote(str(BINARIES / "sandbox-clouds"))
        pages, action, variables = (
            shlex.quote(str(file)) for file in (self.pages, self.action, self.variables)
        )
        follow = shlex.quote(FOLLOW)
        self.program.write_text(
            f"#!/bin/sh\nenv >{variables}\ncase $1 in\n"
            f'  http://127.0.0.1:*/open/*) page=$({sys.executable} -c {follow} "$1") ;;\n'
            f"  *) page=$1 ;;\nesac\n"
            f'printf "%s\\n" "$page" >>{pages}\nread -r action <{action}\n'
            f"case $action in\n"
            f"  idle) ;;\n"
            f'  refuse) SANDBOX_REFUSE=1 exec {sandbox} "$page" ;;\n'
            f'  *) SANDBOX_USER=$action exec {sandbox} "$page" ;;\n'
            f"esac\n"
        )
        self.program.chmod(0o755)
        self.env = {"BROWSER": str(self.program)}
        self.signs_in()

    def opens_links_with(self, *command):
        """Sets how the browser opens app links: `gio open` as on GNOME, or `xdg-open`, whose version 1.1.3 takes a scheme
        with digits for a file name."""
        opener = self.desktop.folder / "open-link"
        opener.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$1"\n')
        opener.chmod(0o755)
        self.env["SANDBOX_OPEN_WITH"] = str(opener)

    def signs_in(self, email="ada@contoso.example"):
        self.action.write_text(f"{email}\n")

    def refuses(self):
        self.action.write_text("refuse\n")

    def does_nothing(self):
        self.action.write_text("idle\n")

    def visited(self):
        """The pages that the browser was opened with."""
        return self.pages.read_text().splitlines() if self.pages.exists() else []

    def inherited(self):
        """The names of the browser's environment variables."""
        return {line.split("=")[0] for line in self.variables.read_text().splitlines()}

    def browse(self, page):
        """Finishes a pending sign-in: opens the page and signs in."""
        self.desktop.run(self.program, page)
