"""What several end-to-end tests need."""

import shutil

import pytest


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium through Playwright.

    Tests that need it are skipped, with the reason, where it is missing.
    """
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright: pip install -r requirements-html.txt"
    )
    if not (
        chromium := shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    ):
        pytest.skip("no Chromium in PATH")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
