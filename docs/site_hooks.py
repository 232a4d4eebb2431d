"""MkDocs hooks: publish the repository files that pages link to, as plain text, and rewrite the links."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")


def outside(page: str, link: str) -> Path | None:
    """Return the repository file that a page's link points to, or None if it is missing or inside ``docs``."""
    path = (ROOT / "docs" / Path(page).parent / link).resolve()
    return path if path.is_file() and not path.is_relative_to(ROOT / "docs") else None


def shown_as(path: Path) -> str:
    """Return the file's path in the site; the ``.txt`` suffix makes browsers show it as text."""
    return f"source/{path.relative_to(ROOT).as_posix()}.txt"


def on_files(files: Files, config: Any) -> Files:
    """Add the files that pages link to."""
    known = set()
    for page in list(files.documentation_pages()):
        for link, _ in LINK.findall(page.content_string):
            path = outside(page.src_uri, link)
            if path is not None and path not in known:
                known.add(path)
                files.append(File.generated(config, shown_as(path), content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Rewrite links to repository files so that they point to the copies in the site."""

    def lead(match: re.Match[str]) -> str:
        path = outside(page.file.src_uri, match[1])
        if path is None:
            return match[0]
        return f"]({os.path.relpath(shown_as(path), Path(page.file.src_uri).parent)})"

    return LINK.sub(lead, markdown)
