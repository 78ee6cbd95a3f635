"""A server that builds the app and forks afterwards, as `gunicorn --preload` does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from relay.sandbox import SandboxServer
from tests.harness import ROOT, environment
from tests.several.test_in_earnest import CONFIG
from tests.several.twins import other_sandbox

FORKS = """
import os, sys
from tests.harness import TOKEN, auth, body, wait_for
from relay.web import create_app

app = create_app()
relay = app.extensions["relay"]
print("kept", relay.store.engine.pool.checkedin(), flush=True)
are_known = lambda: relay.identity and relay.identity_in("acme")
assert wait_for(are_known)
relay.identity, relay.other_identities = None, {}  # as if Slack had not answered before the fork

def work(number):
    client = app.test_client()
    for key in range(20):
        posted = client.post("/kommunicate/webhook", json=body(f"{number}-{key}"), headers=auth(TOKEN))
        assert posted.status_code == 200, posted.text
    assert wait_for(are_known)

children = []
for number in range(2):
    child = os.fork()
    if not child:
        failed = 1
        try:
            work(number)
            failed = 0
        finally:
            os._exit(failed)
    children.append(child)
print("ended", [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_each_process_has_its_own_connections_and_learns_whose_the_tokens_are(
    database_url: str, live_server: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    here = live_server()
    with SandboxServer(other_sandbox(time.time)) as there:
        secrets = {"SHOP_WEBHOOK_TOKEN": "shop-token", "SHOP_API_KEY": "shop-key", "ACME_BOT_TOKEN": "xoxb-acme"}
        urls = {"SHOP_API_URL": there.kommunicate_api_url, "ACME_API_URL": there.slack_api_url}
        more = {**secrets, **urls, "ACME_SIGNING_SECRET": "acme-signing-secret", "RELAY_CONFIG_YAML": CONFIG}
        env = {**environment(here, database_url, **more), "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", FORKS], cwd=tmp_path, env=env, capture_output=True, text=True)
    told = [line for line in done.stdout.splitlines() if line.startswith(("kept", "ended"))]
    assert told == ["kept 0", "ended [0, 0]"], done.stderr
