"""Addresses that lead inside, or try to; and how a fetch of one ends."""

from __future__ import annotations

import io
from typing import Any

from relay.errors import DeliveryFailed
from relay.net.fetch import fetch
from relay.net.hosts import Hosts
from tests.harness import PATIENCE
from tests.net.downloads import LookUps

NAME = "files.example.com"
LISTED = (NAME, "*.example.com", "localhost", "metadata.google.internal", "s3.example.net/ours", "bücher.example")
OPEN = "93.184.216.34"  # an address on the open internet; nobody gets there from here

# Addresses that a listed name may be found at.
INNER = [
    "127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.255", "192.168.0.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b:1::5db8:d822",
    "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:5db8:d822::1", "2001:0:5db8:d822:0:0:80ff:fffe", "2001:10::1",
    "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1",
    "fe80::1%lo", "fec0::1", "ff02::1", "100::1", "2a00:1450::5efe:7f00:1", "2a00:1450::1%lo", "4000::1",
]  # fmt: skip

# Addresses that are refused before anything is looked up, or whose look-up ends here.
URLS = {
    "IPv4": "https://127.0.0.1:{port}/",
    "IPv4 short": "https://127.1:{port}/",
    "IPv4 shorter": "https://127.0.1:{port}/",
    "IPv4 zero": "https://0:{port}/",
    "IPv4 decimal": "https://2130706433:{port}/",
    "IPv4 octal": "https://0177.0.0.1:{port}/",
    "IPv4 all octal": "https://017700000001:{port}/",
    "IPv4 padded": "https://127.000.000.001:{port}/",
    "IPv4 hexadecimal": "https://0x7f000001:{port}/",
    "IPv4 hexadecimal parts": "https://0x7f.0x0.0x0.0x1:{port}/",
    "IPv4 mixed": "https://0x7f.0.01:{port}/",
    "IPv4 too large": "https://4294967297:{port}/",
    "IPv4 with a dot": "https://127.0.0.1.:{port}/",
    "IPv4 metadata": "https://169.254.169.254/latest/meta-data/",
    "IPv4 over http": "http://127.0.0.1:{port}/",
    "IPv6": "https://[::1]:{port}/",
    "IPv6 long": "https://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/",
    "IPv6 mapped": "https://[::ffff:127.0.0.1]:{port}/",
    "IPv6 mapped in hexadecimal": "https://[::ffff:7f00:1]:{port}/",
    "IPv6 compatible": "https://[::127.0.0.1]:{port}/",
    "IPv6 NAT64": "https://[64:ff9b::7f00:1]:{port}/",
    "IPv6 6to4": "https://[2002:7f00:1::]:{port}/",
    "IPv6 metadata": "https://[fd00:ec2::254]/",
    "IPv6 with a zone": "https://[fe80::1%25lo]:{port}/",
    "IPv6 with a bare zone": "https://[fe80::1%lo]:{port}/",
    "IPv6 of here with a zone": "https://[::1%25lo]:{port}/",
    "IPv6 without brackets": "https://::1:{port}/",
    "IPv6 open bracket": "https://[::1:{port}/",
    "IPv6 with a name": "https://[::1].files.example.com:{port}/",
    "name of here": "https://localhost:{port}/",
    "name of here, upper case": "https://LOCALHOST:{port}/",
    "name of here, listed port": "https://localhost/",
    "name of here, dot": "https://localhost.:{port}/",
    "name of metadata": "https://metadata.google.internal/computeMetadata/v1/",
    "name not listed": "https://127.0.0.1.nip.io:{port}/",
    "name like a listed one": "https://files.example.com.evil.test:{port}/",
    "name ending like a listed one": "https://evilexample.com:{port}/",
    "name in upper case": "https://FILES.EXAMPLE.COM:{port}/",
    "name below": "https://a.b.example.com:{port}/",
    "name with a dot": "https://files.example.com.:{port}/",
    "name with two dots": "https://files..example.com:{port}/",
    "name with a dot in front": "https://.files.example.com:{port}/",
    "no name": "https:///latest",
    "no name, a port": "https://:{port}/",
    "user": "https://files.example.com@127.0.0.1:{port}/",
    "user and password": "https://files.example.com:443@127.0.0.1:{port}/",
    "user twice": "https://a@files.example.com@127.0.0.1:{port}/",
    "user, encoded": "https://files.example.com%40127.0.0.1:{port}/",
    "empty user": "https://@127.0.0.1:{port}/",
    "fragment": "https://127.0.0.1:{port}#@files.example.com/",
    "query": "https://127.0.0.1:{port}?@files.example.com/",
    "backslash before a user": "https://files.example.com\\@127.0.0.1:{port}/",
    "backslash after a host": "https://127.0.0.1:{port}\\@files.example.com/",
    "backslashes for slashes": "https:\\\\127.0.0.1:{port}/",
    "full-width digits": "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11:{port}/",
    "full-width dots": "https://127\uff0e0\uff0e0\uff0e1:{port}/",
    "ideographic dots": "https://127\u30020\u30020\u30021:{port}/",
    "circled digits": "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/",
    "full-width letters": "https://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54:{port}/",
    "Arabic digits": "https://\u0661\u0662\u0667.\u0660.\u0660.\u0661:{port}/",
    "soft hyphen": "https://local\u00adhost:{port}/",
    "long s": "https://file\u017f.example.com:{port}/",
    "long s in the scheme": "http\u017f://127.0.0.1:{port}/",
    "full-width slash": "https://127.0.0.1:{port}\uff0f.files.example.com/",
    "account of": "https://evil.c\u2100.files.example.com:{port}/",
    "IDN, listed": "https://bücher.example:{port}/",
    "encoded host": "https://%31%32%37.0.0.1:{port}/",
    "encoded dot": "https://127%2e0%2e0%2e1:{port}/",
    "encoded slash": "https://127.0.0.1:{port}%2f.files.example.com/",
    "NUL": "https://127.0.0.1:{port}\x00.files.example.com/",
    "tab in the host": "https://127.0.0.1\t:{port}/",
    "tab in the scheme": "ht\ttps://127.0.0.1:{port}/",
    "blank in front": " https://127.0.0.1:{port}/",
    "blank in the host": "https://127.0.0.1 .files.example.com:{port}/",
    "no-break space": "https://127.0.0.1\u00a0:{port}/",
    "new line in the path": "https://files.example.com:{port}/\r\nHost: 127.0.0.1\r\n\r\n",
    "line separator": "https://files.example.com:{port}/\u2028x",
    "half a character": "https://files.example.com:{port}/\ud800",
    "over http": "http://files.example.com:{port}/",
    "file": "file:///etc/passwd",
    "file with a host": "file://127.0.0.1:{port}/etc/passwd",
    "ftp": "ftp://127.0.0.1:{port}/",
    "gopher": "gopher://127.0.0.1:{port}/_x",
    "data": "data:text/plain,x",
    "jar": "jar:https://127.0.0.1:{port}/!/",
    "no scheme": "//127.0.0.1:{port}/",
    "no scheme at all": "127.0.0.1:{port}/",
    "one slash": "https:/127.0.0.1:{port}/",
    "no slash": "https:127.0.0.1:{port}",
    "nothing": "",
    "port not listed": "https://files.example.com:{port}0/",
    "port padded": "https://files.example.com:0{port}/",
    "port empty": "https://files.example.com:/",
    "port too large": "https://files.example.com:99999/",
    "port in words": "https://files.example.com:https/",
    "port in other digits": "https://files.example.com:\uff14\uff14\uff13/",
    "ports": "https://127.0.0.1:{port}:443/",
    "another's part of a host": "https://s3.example.net:{port}/theirs/x",
    "out of a part": "https://s3.example.net:{port}/ours/../theirs/x",
    "out of a part, encoded": "https://s3.example.net:{port}/ours/%2e%2e/theirs/x",
    "out of a part, encoded slash": "https://s3.example.net:{port}/ours/..%2ftheirs/x",
    "out of a part, twice encoded": "https://s3.example.net:{port}/ours/%252e%252e%252ftheirs/x",
    "out of a part, parameter": "https://s3.example.net:{port}/ours/..;/theirs/x",
    "endless": "https://files.example.com:{port}/" + "x" * 10_000,
}
PROPER = [name for name, url in URLS.items() if url.isprintable() and url]  # what a header can say

OUTER = [OPEN, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1", "::ffff:1.1.1.1", "64:ff9b::101:101"]


def listed(port: int) -> list[str]:
    """What the settings list, at this port too."""
    hosts = [entry.partition("/") for entry in LISTED]
    return [*LISTED, *(f"{host}:{port}{slash}{part}" for host, slash, part in hosts)]


def outcome(url: str, hosts: Hosts, *rows: list[str], deadline: float = PATIENCE, **how: Any) -> str:
    """The code that a fetch fails with; "" if it does not."""
    try:
        fetch(url, io.BytesIO(), hosts=hosts, most=1000, deadline=deadline, resolve=LookUps(*rows), **how)
    except DeliveryFailed as error:
        return error.code
    return ""
