"""The status page: how things stand, for whoever runs the relay; with RELAY_ADMIN_PASSWORD alone.

guard, session, throttle   who may see it              (front, signing_in: the door)
render, text, charts       how it is drawn
verdict, gates, words      what is said, and what may be read
the rest                   a page each
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from relay.settings import environment
from relay.web.status import channels, conversations, dead_letters, dry_run, settings
from relay.web.status.front import front
from relay.web.status.guard import DOORS, Doors
from relay.web.status.pages import pages
from relay.web.status.render import teach
from relay.web.status.signing_in import signing_in
from relay.wiring import Relay

VIEWS = (channels, conversations, dead_letters, dry_run, settings)  # each has put its views into `pages`


def register(app: Flask, relay: Relay) -> None:
    """Add the front page; where there is a password, also the form for it and all that is behind it."""
    app.extensions[DOORS] = Doors(relay)
    teach(app)
    app.register_blueprint(front)
    if relay.settings.admin_password:
        app.extensions[settings.NAMES] = settings.names_given(environment(Path.cwd()))
        app.register_blueprint(signing_in)
        app.register_blueprint(pages)
