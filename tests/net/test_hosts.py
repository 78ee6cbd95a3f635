"""Where files may come from, entry by entry; the tricks are in tests/security/test_fetch_guard.py."""

from __future__ import annotations

import pytest

from relay.net.hosts import Hosts
from relay.net.places import read_url

COVERED = {
    "files.example.com": ["https://files.example.com/x", "https://FILES.example.com", "https://files.example.com:443/x"],
    "*.example.com": ["https://a.example.com/", "https://a.b.example.com/?x"],
    "*.Example.com": ["https://a.example.com/"],
    "files.example.com:8443": ["https://files.example.com:8443/x"],
    "s3.example.com/ours": ["https://s3.example.com/ours/x", "https://s3.example.com/ours/a..b/...", "https://s3.example.com/ours"],
    "s3.example.com:8443/ours": ["https://s3.example.com:8443/ours/x?a=../b"],
    "bücher.example": ["https://bücher.example/", "https://BÜCHER.example/", "https://xn--bcher-kva.example/"],
    "a_b.example.com": ["https://a_b.example.com/"],
}  # fmt: skip
UNCOVERED = {
    "files.example.com": ["https://example.com/", "https://a.files.example.com/", "https://files.example.com:8443/",
                          "http://files.example.com/", "http://files.example.com:443/", "https://files.example.com.evil/",
                          "https://u@files.example.com/", "https://@files.example.com/", "https://files.example.com./",
                          "https://files\u3002example.com/", "https://\uff46iles.example.com/",
                          "http\u017f://files.example.com/", "https://files.example.com/" + "x" * 9000],
    "*.example.com": ["https://example.com/", "https://aexample.com/", "https://a.example.com:8443/"],
    "files.example.com:8443": ["https://files.example.com/x"],
    "s3.example.com/ours": ["https://s3.example.com/", "https://s3.example.com/ours2/x", "https://s3.example.com//ours/x",
                            "https://s3.example.com/OURS/x", "https://s3.example.com/x/ours/", "https://s3.example.com/%6furs/x",
                            "https://s3.example.com/?/ours/", "https://s3.example.com/ours%2f..%2fx",
                            "https://s3.example.com/ours/../x", "https://s3.example.com/ours/%2e%2E/x",
                            "https://s3.example.com/ours/%252e%252e/x", "https://s3.example.com/ours/..;a/x",
                            "https://s3.example.com/ours/..%5cx", "https://s3.example.com/ours/x/.."],
}  # fmt: skip


@pytest.mark.parametrize("entry", COVERED)
def test_an_entry_covers(entry: str) -> None:
    hosts = Hosts([entry])
    assert [url for url in COVERED[entry] if not hosts.allows(url)] == []
    assert not any(map(hosts.trusts, COVERED[entry]))


@pytest.mark.parametrize("entry", UNCOVERED)
def test_an_entry_does_not_cover(entry: str) -> None:
    assert [url for url in UNCOVERED[entry] if Hosts([entry]).allows(url)] == []


@pytest.mark.parametrize("origin", ["http://10.0.0.1:9000", "https://[::1]:8443/path", "http://files.internal"])
def test_an_origin_is_trusted_as_it_is(origin: str) -> None:
    hosts = Hosts((), [origin])
    own = read_url(origin)
    assert hosts.trusts(f"{own.scheme}://{own.authority}/x")
    assert hosts.allows(f"{own.scheme}://{own.authority.upper()}/x")
    for other in (f"{own.scheme}://{own.authority.partition(':90')[0]}:1/x", origin.replace("http", "ftp"), "x"):
        assert not hosts.trusts(other)
        assert not hosts.allows(other)


NO_ENTRIES = ["", "*", "*.com", "https://files.example.com", "127.0.0.1", "[::1]", "0x7f", "a b", "files.example.com:0",
              "files.example.com:99999", "a..b", "a.com.", "a.*.com", "u@a.com", "s3.example.com/..",
              "s3.example.com/a/b", "s3.example.com/a?b", "a%2eb"]  # fmt: skip


@pytest.mark.parametrize("entry", NO_ENTRIES)
def test_what_is_no_entry_is_told_so(entry: str) -> None:
    with pytest.raises(ValueError, match="files"):
        Hosts([entry])


@pytest.mark.parametrize(
    "origin", ["", "files.example.com", "ftp://files.example.com", "http://u@a.com", "http://127.1"]
)
def test_what_is_no_origin_is_told_so(origin: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        Hosts((), [origin])


def test_a_part_of_a_url_comes_out_as_it_is_sent() -> None:
    place = read_url('HTTPS://Files.Example.com:443/a b"/é/%zz?q=<1>&[2]#f'.replace(" ", "%20"))
    assert place.url == "https://files.example.com/a%20b%22/%C3%A9/%zz?q=%3C1%3E&[2]"
    assert read_url(place.url) == place
