"""One Flask app for both vendors, the controls and the page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, cast

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy

from relay.sandbox.cards import bytes_of
from relay.sandbox.control import ERRORS, control_routes
from relay.sandbox.kommunicate.api import kommunicate_routes
from relay.sandbox.kommunicate.values import KommunicateError
from relay.sandbox.pictures import kind_of
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.slack.api import slack_routes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# pictures that the relay serves to customers are shown in their chat: on this machine, on any port
POLICY = "default-src 'self'; img-src 'self' data: http://127.0.0.1:* http://localhost:*"
MAX_BODY = 12_000_000  # 8 MB of files in base64, and some text
SERVED = "relay.sandbox"  # key in a request's environ with the sandbox that it is for


def create_sandbox(sandbox: Sandbox) -> WSGIApplication:
    """The WSGI application for one sandbox."""
    app = _routes()

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return app(environ | {SERVED: sandbox}, start_response)

    return serve


@cache
def _routes() -> Flask:
    """The routes, shared by all sandboxes: creating them takes longer than most tests use a sandbox."""
    sandbox = cast(Sandbox, LocalProxy(lambda: request.environ[SERVED]))
    app = Flask(__name__, static_folder="static", static_url_path="/static")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    app.register_blueprint(slack_routes(sandbox))
    app.register_blueprint(kommunicate_routes(sandbox))
    app.register_blueprint(control_routes(sandbox))
    _add_page(app, sandbox)
    _add_errors(app)
    return app


def _add_page(app: Flask, sandbox: Sandbox) -> None:
    @app.get("/")
    def page() -> Response:
        with app.open_resource("page.html", "rb") as file:
            return Response(file.read(), mimetype="text/html")

    @app.get("/files/<name>")
    @app.get("/files/<side>/<name>")
    def shown(name: str, side: str = "") -> Response:
        """A file for people who view the page: without keys and faults, unlike the vendors' own addresses."""
        content = bytes_of(sandbox, side, name)
        if content is None:
            return _error("not_found", "no such file", 404)
        # the browser shows only what is a picture by its bytes; it downloads the rest
        kind = kind_of(content)
        response = Response(content, mimetype=kind or "application/octet-stream")
        response.headers["Content-Disposition"] = "inline" if kind else "attachment"
        return response

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        code = (error.name or "error").lower().replace(" ", "_")
        return _error(code, error.description or "", error.code or 500)

    def bad_request(error: Exception) -> Response:
        return _error("bad_request", str(error), 400)

    # RecursionError: JSON nested deeper than the parser can follow
    for kind in (*ERRORS, KommunicateError, RecursionError):
        app.register_error_handler(kind, bad_request)


def _error(code: str, message: str, status: int) -> Response:
    response = jsonify({"error": code, "message": message})
    response.status_code = status
    return response
