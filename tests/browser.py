"""A real, headless Chromium for tests of pages; without one they skip with a sentence, in CI they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

MINUTE = 60_000  # milliseconds; a browser starts slowly on a busy machine, and so does a page in it
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def open_page(url: str, *, width: int = 1280, height: int = 800) -> Iterator[Page]:
    """Open `url` in a fresh browser; whatever the page logs as an error fails the test."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a Chromium: install Debian's package chromium")
        pytest.skip("no Chromium here: install Debian's package chromium to run the tests of pages")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=MINUTE)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(MINUTE)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        yield page
        assert not errors
        browser.close()
