"""Servers that notifications are sent to, on free ports of 127.0.0.1: HTTP, and two for mail, of which one does STARTTLS and wants a
login. What they get is told on standard output, a line of JSON each, before they answer.

    notify_servers.py CERTIFICATE KEY

What HTTP answers says the path: /ok 200, /fail 500, /gone 404, /once 500 the first time and 200 from then on, /close nothing,
/hang nothing either, but the connection stays; what follows behind another / is for the sender. There is no mailbox nobody@..., and
busy@... is told to come again the first time."""
import asyncio
import http.server
import json
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

LOCK = threading.Lock()


def tell(**facts):
    with LOCK:
        print(json.dumps(facts), flush=True)


class Web(http.server.BaseHTTPRequestHandler):
    seen = set()
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        kind = self.path.split("/")[1]
        tell(path=self.path, body=body, headers={k.lower(): v for k, v in self.headers.items()})
        self.close_connection = True
        if kind == "hang":
            self.rfile.read(1)  # until the other side has gone
            tell(gone=self.path)
        elif kind != "close":
            status = {"fail": 500, "gone": 404}.get(kind, 200)
            if kind == "once" and self.path not in Web.seen:
                status = 500
                Web.seen.add(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *arguments):
        pass


class Mailbox:
    busy_count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        if address.startswith("busy@") and Mailbox.busy_count < 1:
            Mailbox.busy_count += 1
            return "451 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        tell(mail=envelope.content.decode(), sender=envelope.mail_from, to=envelope.rcpt_tos,
             tls=session.ssl is not None, user=session.auth_data)
        return "250 kept"


def let_in(server, session, envelope, mechanism, login):
    user, password = login.login.decode(), login.password.decode()
    good = user == "volley" and password == "mail-Pz7-secret"
    return AuthResult(success=good, handled=False, auth_data=user)  # the server says which


async def main(certificate, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()

    def plain():
        return SMTP(Mailbox(), enable_SMTPUTF8=True, loop=loop)

    def secure():
        return SMTP(Mailbox(), loop=loop, tls_context=context, require_starttls=True,
                    authenticator=let_in, auth_required=True)

    http.server.ThreadingHTTPServer.daemon_threads = True
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    mails = [await loop.create_server(make, "127.0.0.1", 0) for make in (plain, secure)]
    tell(ready=True, http=web.server_port, smtp=mails[0].sockets[0].getsockname()[1],
         starttls=mails[1].sockets[0].getsockname()[1])
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:3]))
