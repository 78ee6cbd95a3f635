"""Agents' files are kept in the database, in a folder, or in a bucket: whichever it is, nothing else is different."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select, update

from relay.cli import main
from relay.delivery import sweeping
from relay.delivery.keeping import PIECE
from relay.delivery.keeping_in_folder import UNFINISHED
from relay.store.conversations import contents, kept_files
from relay.store.conversations.contents import LAST_LOOK, Content
from relay.store.db.engine import Tx
from relay.store.db.file_tables import file_pieces
from relay.store.db.file_tables import kept_files as kept_files_table
from relay.store.db.tables import deliveries
from relay.store.operations.replay import Replayed, replay_one
from tests.buckets import Door
from tests.files.conftest import MakeDeskAt, MakeShelf, Shelf
from tests.files.test_agents_files import PDF, links, pdf, share
from tests.harness import ROOT
from tests.replies.desk import GROUP, Desk
from tests.replies.test_gates import SEND
from tests.store.shelf import rows

MB = 1_000_000
LARGE = b"%PDF-1.7\n" + bytes(12 * 1024 * 1024)


def opened(desk: Desk, **headers: str) -> Any:
    """What the link that the customer was sent last leads to."""
    ((_, token),) = links(desk)
    return desk.client.get(f"/files/{token}", headers=headers)


def swept(desk: Desk) -> None:
    """All chores are done, also those that come an hour later."""
    desk.chores()
    desk.clock.advance(LAST_LOOK + 1)
    desk.chores()


@pytest.mark.parametrize("content", [b"x", PDF, LARGE], ids=["small", "pieces", "parts"])
def test_a_file_is_kept_and_opened_wherever_that_is(shelf: Shelf, desk_at: MakeDeskAt, content: bytes) -> None:
    desk = desk_at(shelf)
    share(desk, desk.sandbox.slack.cabinet.put("bill.pdf", content=content))
    assert opened(desk).data == content
    assert shelf.holds() == 1


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=262140-262150", 262140, 262150), ("bytes=-5", len(PDF) - 5, len(PDF) - 1)],
)
def test_a_part_of_it_can_be_asked_for(shelf: Shelf, desk_at: MakeDeskAt, asked: str, first: int, last: int) -> None:
    desk = desk_at(shelf)
    share(desk, pdf(desk))
    answer = opened(desk, Range=asked)
    assert (answer.status_code, answer.data) == (206, PDF[first : last + 1])


def test_one_that_breaks_off_raises_nothing_in_the_server(desk_at: MakeDeskAt, make_shelf: MakeShelf) -> None:
    """It would log the address, and with it the secret that opens the file."""
    desk = desk_at(make_shelf("database"))
    share(desk, pdf(desk))
    with desk.store.begin() as tx:
        tx.conn.execute(delete(file_pieces).where(file_pieces.c.number > 1))
    answer = opened(desk)
    assert (answer.status_code, answer.data) == (200, PDF[: 2 * PIECE])
    assert answer.content_length == len(PDF)


def test_what_it_is_called_there_nobody_can_guess(desk_at: MakeDeskAt, make_shelf: MakeShelf) -> None:
    shelf = make_shelf("bucket")
    desk = desk_at(shelf)
    share(desk, pdf(desk))
    assert shelf.bucket is not None
    (name,) = shelf.bucket.names()
    assert re.fullmatch(r"relay/[0-9a-f]{64}", name)


def test_nobody_else_of_the_machine_can_read_a_folder(desk_at: MakeDeskAt, make_shelf: MakeShelf) -> None:
    shelf = make_shelf("folder")
    desk = desk_at(shelf)
    share(desk, pdf(desk))
    (file,) = shelf.folder.iterdir()
    assert (shelf.folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_reply_that_is_taken_back_takes_its_file_with_it(shelf: Shelf, desk_at: MakeDeskAt) -> None:
    desk = desk_at(shelf)
    message = desk.agent("the bill", files=(pdf(desk),))
    desk.carry()
    desk.run(20)
    assert shelf.holds() == 1
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    assert opened(desk).status_code == 404
    desk.chores()
    assert shelf.holds() == 0
    swept(desk)
    assert rows(desk.store, "file_contents") == []


def test_a_file_goes_when_its_time_is_over(shelf: Shelf, desk_at: MakeDeskAt) -> None:
    desk = desk_at(shelf, retention="7d")
    share(desk, pdf(desk))
    desk.clock.advance(8 * 86400)
    desk.chores()
    assert shelf.holds() == 0


def test_earlier_files_are_opened_and_deleted_where_they_are(
    shelf: Shelf, make_shelf: MakeShelf, desk_at: MakeDeskAt, tmp_path: Path
) -> None:
    desk = desk_at(shelf, retention="7d")
    share(desk, pdf(desk))
    other = make_shelf("database" if shelf.kind == "folder" else "folder")
    if shelf.bucket is not None:  # its key is still set
        other.changes = {"files": shelf.places.__class__(other.folder.as_uri(), None, shelf.places.access)}
    move = desk_at(other, retention="7d")
    move.sandbox.kommunicate.conversation("123456")
    assert opened(move).data == PDF
    move.clock.advance(8 * 86400)
    move.chores()
    assert shelf.holds() == 0


def test_a_bucket_whose_key_is_gone_is_said_and_holds_up_no_chore(
    make_shelf: MakeShelf, desk_at: MakeDeskAt, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = desk_at(make_shelf("bucket"), retention="7d")
    share(desk, pdf(desk))
    without = desk_at(make_shelf("folder"), retention="7d")
    assert opened(without).status_code == 503
    assert "AWS_ACCESS_KEY_ID" in "".join(capfd.readouterr())
    without.clock.advance(8 * 86400)
    without.chores()
    assert rows(desk.store, "file_contents")[0].due > without.clock.now()


@pytest.fixture
def door(s3: str) -> Iterator[Door]:
    """What stands before the server of buckets."""
    with Door(s3) as door:
        yield door


@pytest.mark.parametrize("answers", [[503], [500] * 5, [429] * 4, [503] * 7], ids=len)
def test_a_bucket_that_is_away_for_a_while_is_waited_for(
    make_shelf: MakeShelf, desk_at: MakeDeskAt, door: Door, answers: list[int]
) -> None:
    desk = desk_at(behind(door, make_shelf))
    door.answers = answers
    share(desk, pdf(desk), seconds=60)
    assert door.answers == []
    assert opened(desk).data == PDF
    assert len(desk.reached()) == 1


def behind(door: Door, make_shelf: MakeShelf) -> Shelf:
    """A bucket whose server is behind a door."""
    shelf = make_shelf("bucket")
    assert shelf.bucket is not None
    shelf.bucket.address = door.address
    return shelf


@pytest.mark.parametrize(
    ("status", "why"),
    [(403, "the bucket where files are kept refuses the relay's key"), (503, "gives unexpected answers")],
)
def test_a_bucket_that_never_takes_it_is_what_its_author_reads(
    make_shelf: MakeShelf, desk_at: MakeDeskAt, door: Door, status: int, why: str
) -> None:
    desk = desk_at(behind(door, make_shelf))
    door.answers = [status] * 100
    share(desk, pdf(desk), seconds=120)
    desk.says("and more")
    desk.run(10)
    assert desk.reached() == ["the bill\n(a file follows)", "and more"]
    assert why in str(desk.shown())


def test_a_bucket_that_deletes_nothing_is_asked_again_and_holds_up_no_chore(
    make_shelf: MakeShelf, desk_at: MakeDeskAt, door: Door
) -> None:
    shelf = behind(door, make_shelf)
    desk = desk_at(shelf, retention="7d")
    share(desk, pdf(desk))
    share(desk, pdf(desk))
    desk.clock.advance(8 * 86400)
    door.answers = [503, 503]  # the first of them is not asked for twice in a round, nor is the second
    desk.chores()
    assert (door.answers, shelf.holds()) == ([], 2)
    desk.chores()
    assert shelf.holds() == 2
    desk.clock.advance(contents.AGAIN + 1)
    desk.chores()
    assert shelf.holds() == 0


def test_a_bucket_that_is_not_there_is_what_its_author_reads(make_shelf: MakeShelf, desk_at: MakeDeskAt) -> None:
    shelf = make_shelf("bucket")
    assert shelf.bucket is not None
    shelf.bucket.remove()
    desk = desk_at(shelf)
    share(desk, pdf(desk), seconds=60)
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert "the bucket where files are kept does not exist" in desk.shown()[-1]
    desk.says("and more")
    desk.run(10)
    assert desk.reached()[-1] == "and more"


def test_a_folder_that_cannot_be_written_is_what_its_author_reads(make_shelf: MakeShelf, desk_at: MakeDeskAt) -> None:
    shelf = make_shelf("folder")
    shelf.folder.parent.write_text("in the way")
    desk = desk_at(shelf)
    share(desk, pdf(desk), seconds=120)
    assert desk.reached() == ["the bill\n(a file follows)"]
    assert "the disk where files are kept cannot be used" in desk.shown()[-1]


def test_what_is_lost_is_not_found(make_shelf: MakeShelf, desk_at: MakeDeskAt) -> None:
    shelf = make_shelf("folder")
    desk = desk_at(shelf)
    share(desk, pdf(desk))
    (file,) = shelf.folder.iterdir()
    file.unlink()
    assert opened(desk).status_code == 404


def test_what_was_left_behind_is_swept(shelf: Shelf, desk_at: MakeDeskAt) -> None:
    """A process dies when a file is kept, and its reply is taken back before another one tries again."""
    desk = desk_at(shelf)
    desk.sandbox.faults.add("files.download", "status", status=503, times=None)
    message = desk.agent("the bill", files=(pdf(desk),))
    desk.carry()
    desk.run(7)
    with desk.store.begin() as tx:
        content = contents.begin(tx, rows(desk.store, "kept_files")[0].id, desk.out.keepers.place)
    desk.out.keepers.of(content).save(content, [b"left"])
    assert shelf.holds() == 1
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    swept(desk)
    assert shelf.holds() == 0
    assert rows(desk.store, "file_contents") == []


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_what_is_written_late_is_swept_as_well(make_shelf: MakeShelf, desk_at: MakeDeskAt, kind: str) -> None:
    """A process that was stopped as it wrote wakes when all is deleted."""
    shelf = make_shelf(kind)
    desk = desk_at(shelf, retention="7d")
    share(desk, pdf(desk))
    with desk.store.read() as tx:
        content = contents.content_of(tx, rows(desk.store, "kept_files")[0].id)
    desk.clock.advance(8 * 86400)
    desk.chores()
    desk.out.keepers.of(content).save(content, [b"late"])
    assert shelf.holds() == 1
    swept(desk)
    assert (shelf.holds(), rows(desk.store, "file_contents")) == (0, [])


def test_what_was_never_finished_is_swept_with_the_rest(make_shelf: MakeShelf, desk_at: MakeDeskAt) -> None:
    shelf = make_shelf("folder")
    desk = desk_at(shelf, retention="7d")
    share(desk, pdf(desk))
    (file,) = shelf.folder.iterdir()
    file.with_name(file.name + UNFINISHED).write_bytes(b"half")
    desk.clock.advance(8 * 86400)
    desk.chores()
    assert shelf.holds() == 0


def test_there_is_room_for_so_much_and_no_more(shelf: Shelf, desk_at: MakeDeskAt) -> None:
    shelf.most = 2 * len(PDF)
    desk = desk_at(shelf, retention="7d")
    for text in ("one", "two"):
        share(desk, pdf(desk), text=text)
        assert len(links(desk)) == 1
    share(desk, pdf(desk), text="three")
    assert desk.reached()[-1] == "three\n(a file follows)"
    assert "there is no more room for files here" in desk.shown()[-1]
    assert shelf.holds() == 2
    desk.clock.advance(8 * 86400)
    desk.chores()
    share(desk, pdf(desk), text="four")
    assert len(links(desk)) == 1


def test_one_that_has_no_room_is_tried_when_its_author_wants_it(shelf: Shelf, desk_at: MakeDeskAt) -> None:
    shelf.most = len(PDF)
    desk = desk_at(shelf)
    message = desk.agent("first", files=(pdf(desk),))
    desk.carry()
    desk.run(20)
    desk.agent("", files=(pdf(desk),))
    desk.carry()
    desk.run(20)
    desk.sandbox.slack.human_deletes("C0SUPPORT", message.ts)
    desk.carry()
    desk.chores()
    (line,) = [one for one in desk.roots_and_replies() if "no more room" in str(one)]
    desk.press(line["ts"], "send_again")
    desk.carry()
    desk.run(20)
    assert opened(desk).data == PDF


def test_a_relay_without_buckets_loads_nothing_for_them() -> None:
    code = "import relay.cli.serve, relay.cli.worker, sys; print('obstore' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "False\n"


def test_of_many_that_ask_at_once_only_those_get_room_that_fit(desk: Desk) -> None:
    with desk.store.begin() as tx:
        kept_files.queue(tx, 1, 1, [(f"F{number}", "a.pdf", "") for number in range(8)])
    ids, together, found = [row.id for row in rows(desk.store, "kept_files")], Barrier(8), list[bool]()

    def ask(file_id: int) -> None:
        together.wait()
        with desk.store.begin() as tx:
            found.append(contents.reserve(tx, Content(file_id), 10, 45))

    threads = [Thread(target=ask, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 4 + [True] * 4


OF_CUSTOMER = ("--customer", f"customer-{GROUP}")


def purged(database_url: str, monkeypatch: pytest.MonkeyPatch, *which: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of `relay purge` where nothing else runs."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("RELAY_FILES", "database")  # by now: where a file is, its row says
    words = ["purge", *(which or OF_CUSTOMER), "--yes", "--json"]
    result = CliRunner().invoke(main, words, prog_name="relay")
    return result.exit_code, json.loads(result.stdout[result.stdout.index("{") :])


@pytest.mark.parametrize("which", [OF_CUSTOMER, ("--older-than", "7d")], ids=["of a customer", "what is old"])
def test_a_purge_deletes_what_is_kept_in_a_folder(
    desk_at: MakeDeskAt,
    make_shelf: MakeShelf,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    which: tuple[str, ...],
) -> None:
    """At once, though no relay is there to do its chores."""
    shelf = make_shelf("folder")
    desk = desk_at(shelf)
    share(desk, pdf(desk))
    code, said = purged(database_url, monkeypatch, *which)
    assert (code, shelf.holds()) == (0, 0)
    assert "files_still_kept" not in said


def test_a_purge_says_what_it_could_not_delete_and_a_relay_does_it_later(
    desk_at: MakeDeskAt, make_shelf: MakeShelf, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = make_shelf("folder")
    desk = desk_at(shelf)
    share(desk, pdf(desk))
    hidden = shelf.folder.rename(shelf.folder.with_name("elsewhere"))
    shelf.folder.write_text("no folder")
    code, said = purged(database_url, monkeypatch)
    assert (code, said["files_still_kept"]) == (1, 1)
    shelf.folder.unlink()
    hidden.rename(shelf.folder)
    desk.clock.time = time.time() + contents.AGAIN + 1  # the command goes by the machine's clock
    desk.chores()
    assert shelf.holds() == 0


@pytest.mark.parametrize("fixed", [True, False], ids=["goes later", "is a dead letter"])
def test_a_file_is_kept_while_its_reply_waits(shelf: Shelf, desk_at: MakeDeskAt, *, fixed: bool) -> None:
    """For a person who must act: longer than files are kept. From then on the customer has as long as always."""
    desk = desk_at(shelf, retention="7d")
    if not fixed:
        desk.sandbox.faults.add(SEND, "error", code="INVALID_PARAMETER")
    else:
        desk.sandbox.faults.add(SEND, "error", status=401, code="Unauthorized", times=None)
    share(desk, pdf(desk))
    desk.clock.advance(8 * 86400)
    desk.chores()
    assert shelf.holds() == 1
    desk.sandbox.faults.clear()
    if not fixed:
        with desk.store.begin() as tx:
            assert replay_in_lane(tx, "replies")
    desk.run(600)
    assert opened(desk).data == PDF
    desk.clock.advance(6 * 86400)
    desk.chores()
    assert opened(desk).data == PDF
    desk.clock.advance(2 * 86400)
    desk.chores()
    assert (opened(desk).status_code, shelf.holds()) == (404, 0)


def replay_in_lane(tx: Tx, lane: str) -> bool:
    """Somebody sends again what was given up there."""
    (dead,) = tx.conn.execute(
        select(deliveries.c.id).where(deliveries.c.state == "dead", deliveries.c.lane == lane)
    ).scalars()
    return replay_one(tx, dead) is Replayed.QUEUED


def test_all_that_nobody_needs_is_deleted_at_once_however_much(
    make_shelf: MakeShelf, desk_at: MakeDeskAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `relay purge`, which may be all that runs."""
    monkeypatch.setattr(sweeping, "MOST", 2)
    shelf = make_shelf("folder")
    desk = desk_at(shelf)
    share(desk, *(pdf(desk) for _ in range(5)))
    assert shelf.holds() == 5
    with desk.store.begin() as tx:
        tx.conn.execute(update(kept_files_table).values(state="revoked"))
    assert sweeping.sweep_all(desk.store, desk.relay.keepers) == 0
    assert shelf.holds() == 0
