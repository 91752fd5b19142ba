"""Where the tests write: in memory when the machine has the room, else on its disk.

Each test has databases of its own: on a disk a third of a run's time goes into making and dropping their files, and
into waiting for each commit of SQLite. That commits survive a power cut is not what these tests show; that they survive
a dead process is the same in memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_NAME = "pontepa-prove-"
# What two test processes take at most, and as much again for those who run the tests twice at once.
_ROOM = 8 * 2**30


def take_room() -> Path | None:
    """Make a folder in memory for this process and its children and let all that is temporary go there.

    None: there is no room. What runs that were killed have left is taken away first.
    """
    if not os.access(_MEMORY, os.W_OK):
        return None
    for left in _MEMORY.glob(f"{_NAME}*"):
        if not Path("/proc", left.name.removeprefix(_NAME)).exists():
            shutil.rmtree(left, ignore_errors=True)
    if shutil.disk_usage(_MEMORY).free < _ROOM:
        return None
    folder = _MEMORY / f"{_NAME}{os.getpid()}"
    folder.mkdir()
    # PostgreSQL runs as an account of its own, which must reach its files.
    folder.chmod(0o755)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    return folder


def short_folder() -> str:
    """A folder for what has sockets in it: their addresses are short."""
    given = tempfile.gettempdir()
    return given if Path(given).is_relative_to(_MEMORY) else "/tmp"
