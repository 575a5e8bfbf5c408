"""Code blocks of the documentation, so that what a page shows is what is run."""

import re

from .gateway import ROOT


def block(page, language):
    """The one fenced block of this language in a page below the top of the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(rf"(?ms)^```{re.escape(language)}\n(.*?)^```$", text)
    assert len(found) == 1, f"{page} has {len(found)} blocks of {language}"
    return found[0]
