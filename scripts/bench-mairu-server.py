"""A credential server for mairu, on loopback, so that `make bench` can time it beside mcm. Writes its port to a file.

It answers what mairu's HTTP_API_SPEC.md asks of one: an authorisation code at once, a token, and a credential.
"""

import datetime
import http.server
import json
import sys
import urllib.parse


class CredentialServer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.urlsplit(self.path)
        if asked.path != "/oauth/authorize":
            return self.send_error(404)
        wanted = dict(urllib.parse.parse_qsl(asked.query))
        answer = urllib.parse.urlencode({"code": "bench", "state": wanted["state"]})
        self.send_response(302)
        self.send_header("Location", f"{wanted['redirect_uri']}?{answer}")
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/oauth/token":
            return self.send_json({"access_token": "bench", "token_type": "Bearer", "expires_in": 3600})
        if self.path == "/assume-role":
            end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
            return self.send_json(
                {
                    "Version": 1,
                    "AccessKeyId": "ASIABENCH",
                    "SecretAccessKey": "bench",
                    "SessionToken": "b" * 600,
                    "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            )
        self.send_error(404)

    def send_json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CredentialServer)
with open(sys.argv[1], "w", encoding="ascii") as port:
    print(server.server_port, file=port)
server.serve_forever()
