"""Flask and nothing else: thin views over the store. `create_app()` never starts delivery."""

from __future__ import annotations

from pathlib import Path

import structlog
from flask import Flask

from relay.settings import NEEDS, environment, load_settings
from relay.web import errors, files, health, kommunicate, metrics, slack, status
from relay.wiring import Relay, Reloader, build_relay, learn_identity, ready_schema

log = structlog.get_logger()


def create_app(relay: Relay | None = None) -> Flask:
    """The WSGI app; without `relay` it is built from the environment: `gunicorn 'relay.web:create_app()'`."""
    app = Flask(__name__, static_folder=None)
    if relay is None:
        cwd = Path.cwd()
        relay = build_relay(load_settings(environment(cwd), need=NEEDS["serve"], cwd=cwd))
        ready_schema(relay.store)
        app.before_request(Reloader(relay).look)  # no background thread does it here, because threads survive no fork
        if relay.settings.workspaces:  # workspaces that share an app are distinguished by their teams
            learn_identity(relay)
        if relay.settings.slack_app_token:
            log.warning("socket.not_here", hint="Socket Mode needs `relay serve`; this server hears nothing of Slack.")
    app.url_map.merge_slashes = False  # webhook senders follow no redirects: a 404 says what is wrong
    app.extensions["relay"] = relay
    errors.register(app)
    app.register_blueprint(kommunicate.bp)
    app.register_blueprint(health.bp)
    status.register(app, relay)
    if relay.settings.hears_slack:
        app.register_blueprint(slack.bp)
        app.register_blueprint(files.bp)
    if relay.settings.metrics_token:
        app.register_blueprint(metrics.bp)
    return app
