"""Where customers' files are downloaded: public ones by anybody, private ones with a signature."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from relay.sandbox.calls import Outcome, answered
from relay.sandbox.faults import Fault
from relay.sandbox.kommunicate.files import CustomerFile
from relay.sandbox.sandbox import Sandbox

TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
REASONS = {"AccessDenied": 403, "NoSuchKey": 404}


def add_downloads(routes: Blueprint, sandbox: Sandbox) -> None:
    """`/files/<name>`, and the two addresses with a blobKey that clients construct if they are given none."""

    def download(path: str, file: CustomerFile | None) -> Response:
        return answered(sandbox, path, "", lambda _: _served(sandbox, file), _refused)

    @routes.get("/files/<name>")
    def by_name(name: str) -> Response:
        return download(f"/files/{name}", sandbox.kommunicate.files.stored(name))

    @routes.get("/rest/ws/aws/file/<key>")
    def by_key(key: str) -> Response:
        return download(f"/rest/ws/aws/file/{key}", sandbox.kommunicate.files.of_key(key))

    @routes.get("/rest/ws/attachment/<key>")
    def as_attachment(key: str) -> Response:
        return download(f"/rest/ws/attachment/{key}", sandbox.kommunicate.files.of_key(key))


def _served(sandbox: Sandbox, file: CustomerFile | None) -> Outcome:
    if file is None:
        return _complaint("NoSuchKey")
    expires, signature = request.args.get("Expires", ""), request.args.get("Signature", "")
    if not sandbox.kommunicate.files.opens(file, expires, signature):
        return _complaint("AccessDenied")
    # the browser must not render what a customer calls HTML, for example
    kind = file.content_type if TYPE.fullmatch(file.content_type) else "application/octet-stream"
    return Response(file.content, mimetype=kind, headers={"Content-Disposition": "attachment"}), "ok"


def _complaint(code: str) -> Outcome:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Response(body, REASONS[code], mimetype="application/xml"), code


def _refused(fault: Fault) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{fault.code}</Code></Error>'
    return Response(body, fault.status or 403, mimetype="application/xml")
