"""E-mail by SMTP: one message to all its addresses, in a thread with others about the same event.

Its ``Message-ID`` is the message's key: most mail programs show two copies of one as one.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from regress.errors import NotifyError
from regress.foreign import one_line
from regress.service.net.reach import vetted
from regress.service.notify.channel import Outgoing, Setting
from regress.service.notify.http import ALLOW
from regress.service.notify.wording import lines, title

SECRET = "REGRESS_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
SECONDS = 20.0
"""How long the server may take for each step."""

_PORTS = {"smtp": 587, "smtps": 465}


class Email:
    """Hands messages to one SMTP server; with a password only over TLS."""

    single = False
    promise = "may come again; mail programs know its Message-ID"

    def __init__(self, setting: Setting) -> None:
        """ConfigError without addresses or a server."""
        self._name, self._private = setting.channel.name, setting.channel.private
        self._to = [one.strip() for one in setting.to("addresses, by commas").split(",")]
        for address in self._to:
            if "@" not in parseaddr(address)[1] or "\n" in address:
                raise setting.fault("to", f"{address!r} is no e-mail address")
        parts = urlsplit(setting.channel.server)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise setting.fault("server", "expected smtp://[USER@]HOST[:PORT], or smtps://...")
        self._scheme, self._host = parts.scheme, parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = setting.secret(SECRET, needed=bool(self._user))
        self._sender = setting.channel.sender or f"regress@{self._host}"

    def send(self, message: Outgoing) -> str:
        """See ``Channel``."""
        mail = self.written(message)
        try:
            with self._connected() as server:
                refused = server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise NotifyError(self._name, f"{self._host}: takes none of its addresses", final=True) from error
        except smtplib.SMTPResponseException as error:
            final = 500 <= error.smtp_code < 600
            said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
            message_ = f"{self._host}: answered {error.smtp_code} {said:.200}"
            raise NotifyError(self._name, message_, final=final) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotifyError(self._name, f"{self._host}: {error}") from error
        return f"refused: {', '.join(refused)}" if refused else ""

    def try_out(self, message: Outgoing) -> str:
        """See ``Channel``."""
        self.send(message)
        return "a test message was taken by the server"

    def written(self, message: Outgoing) -> EmailMessage:
        """The message as mail; what is from the repository cannot end a header."""
        mail = EmailMessage(policy=POLICY)
        domain = self._sender.rpartition("@")[2]
        mail["From"], mail["To"] = self._sender, ", ".join(self._to)
        mail["Subject"] = one_line(title(message.payload), 150)
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.key}@{domain}>"
        if message.topic:
            mail["References"] = f"<{message.topic}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
        mail.set_content("\n".join([title(message.payload), "", *lines(message.payload)]) + "\n")
        return mail

    def _connected(self) -> smtplib.SMTP:
        addresses = vetted(self._host, self._port, private=self._private, allow=ALLOW)
        kind = _Smtps if self._scheme == "smtps" else _Smtp
        server = kind(self._host, self._port, addresses)
        server.ehlo()
        if self._scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif self._scheme == "smtp" and self._user:
            server.close()
            raise NotifyError(self._name, f"{self._host}: offers no TLS, so it gets no password", final=True)
        if self._user:
            server.login(self._user, self._password)
        return server


class _Smtp(smtplib.SMTP):
    """Calls addresses that were looked at, whatever the name means by now; TLS still asks for the name."""

    def __init__(self, host: str, port: int, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        super().__init__(host, port, timeout=SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """The hook by which smtplib's own SMTP_SSL connects."""
        *others, last = self._addresses
        for address in others:
            with contextlib.suppress(OSError):
                return socket.create_connection((address, port), timeout)
        return socket.create_connection((last, port), timeout)


class _Smtps(_Smtp):
    """The same, in TLS from the start."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain_one = super()._get_socket(host, port, timeout)
        return ssl.create_default_context().wrap_socket(plain_one, server_hostname=host)
