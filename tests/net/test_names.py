"""Names are looked up in threads, which are not there any more after a fork."""

from __future__ import annotations

import subprocess
import sys

from tests.harness import PATIENCE, ROOT

FORKS = """
import os, socket, threading
from relay.net import names

begun, real = threading.Event(), socket.getaddrinfo

def slow(*where, flags=0, **rest):
    if not flags:
        begun.set()
        threading.Event().wait()
    return real(*where, flags=flags, **rest)

socket.getaddrinfo = slow
threading.Thread(target=names.addresses, args=("localhost", 80, 60.0), daemon=True).start()
begun.wait()
child = os.fork()
if not child:
    socket.getaddrinfo = real
    os._exit(0 if names.addresses("localhost", 80, 10.0) else 1)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_look_up_that_a_fork_has_cut_off_is_begun_anew() -> None:
    """As `gunicorn --preload` may do it while the app asks Slack whose its tokens are."""
    done = subprocess.run([sys.executable, "-c", FORKS], cwd=ROOT, timeout=PATIENCE, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
