"""The command line with one more figure, which sends its own process a signal while it is drawn.

`python tests/support/interrupted_figure.py NUMBER COMMAND…` runs the command; the figure is the second.
"""

from __future__ import annotations

import os
import sys
from itertools import chain
from typing import Any

from analysis import gallery
from scenarios.__main__ import main
from sim.recording.recording import Recording

if __name__ == "__main__":
    number, own = int(sys.argv[1]), gallery.pictures

    def signalling(ax: Any) -> None:
        os.kill(os.getpid(), number)
        ax.plot([0, 1])

    def pictures(recording: Recording, which: str = gallery.ALL) -> Any:
        first, *others = own(recording, which)
        return chain([first, gallery.Picture("signalling", "Sends a signal.", signalling, False)], others)

    gallery.pictures = pictures
    from analysis.pages import report

    report.pictures = pictures
    sys.exit(main(sys.argv[2:]))
