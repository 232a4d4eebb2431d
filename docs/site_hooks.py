"""What the site needs beyond its pages: files of the repository that pages point to come along, as plain text."""

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
    """Return the file of the repository, outside ``docs``, that a page's link leads to."""
    path = (ROOT / "docs" / Path(page).parent / link).resolve()
    return path if path.is_file() and not path.is_relative_to(ROOT / "docs") else None


def shown_as(path: Path) -> str:
    """Return where in the site a file lies; one name for each, that browsers show as text."""
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
    """Lead links to the repository's files to where they lie in the site."""

    def lead(match: re.Match[str]) -> str:
        path = outside(page.file.src_uri, match[1])
        if path is None:
            return match[0]
        return f"]({os.path.relpath(shown_as(path), Path(page.file.src_uri).parent)})"

    return LINK.sub(lead, markdown)
