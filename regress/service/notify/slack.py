"""A Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat, Discord's ``/slack`` address).

Its address is its secret, so it comes from the environment. There is no key by which Slack knows a message
again: one whose sender died before the answer came may be there twice.
"""

from __future__ import annotations

from regress.service.notify.channel import Outgoing, Setting
from regress.service.notify.http import client, told
from regress.service.notify.wording import lines, title

SECRET = "REGRESS_SLACK_URL"  # noqa: S105 - the name of a variable
_LONGEST = 3_500  # characters; Slack cuts a message's text at 4,000


class Slack:
    """POSTs a text."""

    single = False
    promise = "may come twice: Slack cannot tell that it was there"

    def __init__(self, setting: Setting) -> None:
        """ConfigError without the address in the environment."""
        self._url = setting.secret(SECRET)
        self._name, self._client = setting.channel.name, client(setting)

    def send(self, message: Outgoing) -> str:
        """See ``Channel``."""
        with told(self._name):
            self._client.call("POST", self._url, headers={}, body={"text": text(message)})
        return ""

    def try_out(self, message: Outgoing) -> str:
        """See ``Channel``."""
        self.send(message)
        return "a test message was taken"


def text(message: Outgoing) -> str:
    """The message in Slack's mrkdwn, in which only &, < and > mean anything to a machine."""
    said = [f"*{_escaped(title(message.payload))}*"]
    said += [_escaped(line) for line in lines(message.payload)]
    whole = "\n".join(said)
    return whole if len(whole) <= _LONGEST else whole[:_LONGEST].rpartition("\n")[0] + "\n…"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
