"""What counts as an edit of the YAML file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from relay.sandbox import SandboxServer
from relay.settings.watching import Edit, Watch
from relay.store.db.engine import Store
from relay.wiring import Reloader, reloading
from tests.harness import relay_with


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text("channels: {1: C0A}\n")
    return file


def channel(edit: Edit | None) -> str | None:
    assert edit is not None
    return edit.config and edit.config.channels["1"]


def test_an_edit_that_keeps_size_and_time_is_seen(file: Path) -> None:
    """Permissions that are mended change neither, too."""
    watch, before = Watch({}, file.parent), file.stat()
    file.write_text("channels: {1: C0B}\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert channel(watch.edited()) == "C0B"
    assert watch.edited() is None


def test_what_cannot_be_read_is_an_error_once_and_comes_back(file: Path) -> None:
    watch = Watch({}, file.parent)
    file.unlink()
    assert channel(watch.edited()) is None
    file.mkdir()
    assert channel(watch.edited()) is None
    assert watch.edited() is None
    file.rmdir()
    (file.parent / "other.yaml").write_text("channels: {1: C0C}\n")
    file.symlink_to("other.yaml")
    assert channel(watch.edited()) == "C0C"


def test_nobody_waits_for_the_writer_of_a_pipe(file: Path) -> None:
    watch = Watch({}, file.parent)
    file.unlink()
    os.mkfifo(file)
    assert watch.edited() is None


def test_an_edit_that_cannot_be_taken_over_harms_nobody(file: Path, store: Store, server: SandboxServer) -> None:
    """Whoever looks, a thread or a request, goes on."""
    relay = relay_with(store, server)
    relay.settings = replace(relay.settings, watch=Watch({}, file.parent))

    def trouble() -> None:
        raise RuntimeError

    relay.on_edit = trouble
    reloader = Reloader(relay)
    file.write_text("channels: {1: C0B, 2: C0C}\n")
    reloader.look()
    reloader.look()
    assert relay.settings.config.channels["2"] == "C0C"


def test_an_edit_that_could_not_be_taken_over_is_told_and_tried_again(
    file: Path, store: Store, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "AFTER_TROUBLE", 0.0)
    relay, tries = relay_with(store, server), list[str]()
    relay.settings = replace(relay.settings, watch=Watch({}, file.parent))

    def trouble_once() -> None:
        tries.append(relay.settings.config.channels["1"])
        if len(tries) == 1:
            raise RuntimeError("quotes the file")

    relay.on_edit = trouble_once
    reloader = Reloader(relay)
    file.write_text("channels: {1: C0B}\n")
    reloader.look()
    (told,) = relay.config_errors
    assert (told.code, told.where, "RuntimeError" in told.message) == ("restart_needed", "config.yaml", True)
    assert "quotes" not in str(told)
    reloader.look()
    assert (tries, relay.config_errors) == (["C0B", "C0B"], ())
