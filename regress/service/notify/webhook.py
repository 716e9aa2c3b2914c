"""A signed webhook: the payload as JSON, so that a program of the user's own can do what it likes.

Signed as the Standard Webhooks specification says (https://www.standardwebhooks.com), whose libraries verify
it in many languages: HMAC-SHA256 over ``id.timestamp.body``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

import orjson

from regress.service.notify.channel import Outgoing, Setting
from regress.service.notify.http import client, told

SECRET = "REGRESS_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
_PREFIX = "whsec_"


class Webhook:
    """POSTs to one address; the receiver knows a message it has seen by ``webhook-id``."""

    single = False
    promise = "may come again; the same webhook-id tells"

    def __init__(self, setting: Setting) -> None:
        """ConfigError without an address or a secret."""
        self._url = setting.to("the address it goes to, https://...")
        secret = setting.secret(SECRET)
        try:
            self._secret = key_of(secret)
        except binascii.Error as error:
            raise setting.fault("secret", f"after {_PREFIX} it must be base64") from error
        self._name, self._client = setting.channel.name, client(setting)

    def send(self, message: Outgoing) -> str:
        """See ``Channel``."""
        body = orjson.dumps(message.payload)
        now = str(int(time.time()))
        headers = {
            "webhook-id": message.key,
            "webhook-timestamp": now,
            "webhook-signature": signature(self._secret, message.key, now, body),
            "Idempotency-Key": message.key,
        }
        with told(self._name):
            self._client.call("POST", self._url, headers=headers, data=body)
        return ""

    def try_out(self, message: Outgoing) -> str:
        """See ``Channel``."""
        self.send(message)
        return "a signed test message was taken"


def key_of(secret: str) -> bytes:
    """The key that a secret means: base64 after ``whsec_``, else its own bytes."""
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


def signature(key: bytes, id_: str, timestamp: str, body: bytes) -> str:
    """What the header ``webhook-signature`` says."""
    digest = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
