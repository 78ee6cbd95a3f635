"""The bytes of files: sent to an upload address, read with the bot's token."""

from __future__ import annotations

from flask import Blueprint, Response, request

from relay.sandbox.calls import Outcome, answered
from relay.sandbox.faults import Fault
from relay.sandbox.sandbox import Sandbox

UPLOAD, DOWNLOAD = "files.upload_bytes", "files.download"  # their names in faults and recorded calls
MAX_UPLOAD = 100_000_000
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Sandbox</body></html>"


def add_transfer(routes: Blueprint, sandbox: Sandbox) -> None:
    """`POST /slack/upload/<id>` and `GET /slack/files/<id>/[download/]<name>`."""

    @routes.post("/upload/<file_id>")
    def upload(file_id: str) -> Response:
        request.max_content_length = MAX_UPLOAD
        content = _sent()  # before any fault: an answer to an unread request would end in a reset
        return answered(sandbox, UPLOAD, file_id, lambda _: _take(sandbox, file_id, content), _refuse)

    @routes.get("/files/<file_id>/<name>")
    @routes.get("/files/<file_id>/download/<name>")
    def download(file_id: str, name: str) -> Response:
        return answered(sandbox, DOWNLOAD, file_id, lambda _: _give(sandbox, file_id, name), _refuse)


def _sent() -> bytes:
    if request.mimetype != "multipart/form-data":
        return request.get_data(parse_form_data=False)
    return next((part.read() for part in request.files.values()), b"")


def _take(sandbox: Sandbox, file_id: str, content: bytes) -> Outcome:
    if file_id not in sandbox.slack.cabinet.files:
        return Response("ERROR - no such upload", 404), "not_found"
    if not sandbox.slack.cabinet.receive(file_id, content):
        return Response("ERROR - wrong length, or sent before", 400), "refused"
    return Response(f"OK - {len(content)}"), "ok"


def _give(sandbox: Sandbox, file_id: str, name: str) -> Outcome:
    slack = sandbox.slack
    sandbox.shown.add(request.headers.get("Authorization", "").removeprefix("Bearer "))
    if request.headers.get("Authorization", "") != f"Bearer {slack.bot_token}" or "files:read" not in slack.scopes:
        # Slack treats a caller without access as a person in front of a browser
        return Response(LOGIN_PAGE, mimetype="text/html"), "login_page"
    file = slack.cabinet.files.get(file_id)
    if file is None or not file.readable or file.slug != name:
        return Response("", 404, mimetype="text/html"), "not_found"
    kind = file.mimetype or "application/octet-stream"
    return Response(file.content, mimetype=kind, headers={"Content-Disposition": "attachment"}), "ok"


def _refuse(fault: Fault) -> Response:
    return Response(f"ERROR - {fault.code}", fault.status or 400, mimetype="text/plain")
