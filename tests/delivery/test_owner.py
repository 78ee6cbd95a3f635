"""A lease of a process that is gone is free; whatever may still live is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from relay.delivery.owner import gone, this_process


def other(**parts: object) -> str:
    """Another owner, like this process but for `host`, `pid` or `started`."""
    host, pid, started, _ = this_process().split("|")
    return "|".join(map(str, {"host": host, "pid": pid, "started": started, **parts}.values())) + "|other"


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_process_that_ended_is_gone(dead_pid: int) -> None:
    assert gone([other(pid=dead_pid)], this_process()) == {other(pid=dead_pid)}


def test_a_process_id_used_again_is_another_process() -> None:
    """Its start tells them apart."""
    parent = other(pid=os.getppid(), started=1)
    assert gone([parent], this_process()) == {parent}


def test_a_process_that_lives_is_not_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
        assert gone([other(pid=process.pid, started=started)], this_process()) == set()
        process.communicate(b"\n")


def test_another_hosts_process_is_left_to_its_lease(dead_pid: int) -> None:
    assert gone([other(host="elsewhere", pid=dead_pid)], this_process()) == set()


def test_another_set_of_process_ids_is_left_to_its_lease() -> None:
    """Two containers on one host, with one file: what is process 1 here is another one there, or nobody."""
    command = [
        sys.executable,
        "-c",
        "from relay.delivery import owner; print(owner.this_process(), flush=True); input()",
    ]
    apart = ["unshare", "--pid", "--fork", "--mount-proc"] + (
        [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    )
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("this machine gives nobody process ids of their own")
    with subprocess.Popen([*apart, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        there = process.stdout.readline().strip()
        assert there.split("|")[1] == "1"
        assert gone([there], this_process()) == set()
        process.communicate("\n")


def test_other_workers_of_this_process_live_as_long_as_it_does() -> None:
    me = this_process()
    assert gone([me, this_process(), other()], me) == set()
