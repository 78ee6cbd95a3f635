"""Flask and nothing else: thin views over the store. `create_app()` never starts delivery."""

from __future__ import annotations

from pathlib import Path

import structlog
from flask import Flask

from relay.settings import NEEDS, environment, load_settings
from relay.web import errors, files, health, kommunicate, metrics, slack, status
from relay.wiring import Learning, Relay, Reloader, build_relay, ready_schema, start_tracing

log = structlog.get_logger()


def create_app(relay: Relay | None = None) -> Flask:
    """The WSGI app; without `relay` it is built from the environment: `gunicorn 'relay.web:create_app()'`."""
    app = Flask(__name__, static_folder=None)
    if relay is None:
        cwd = Path.cwd()
        relay = build_relay(load_settings(environment(cwd), need=NEEDS["serve"], cwd=cwd))
        ready_schema(relay.store)
        start_tracing(relay, "web")
        relay.store.engine.dispose()  # a server may fork now, and no two processes may share a connection
        app.before_request(Reloader(relay).look)  # here is no thread that could, and threads survive no fork
        if relay.settings.workspaces:  # by their teams workspaces that share an app are told apart
            learning = Learning(relay)
            learning.look()
            app.before_request(learning.look)
        if relay.settings.socket_apps:
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
