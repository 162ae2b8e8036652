"""A real browser, the same for all tests of a process: Playwright cannot be started twice in one."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

# The one without a user interface takes half the processor time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
# Milliseconds that a page has for whatever a test waits for: other tests run at the same time.
PATIENCE = 120_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("needs Chromium: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
