"""A small ext4 file system of its own: its power can be cut and it can be full, and the machine is unharmed.

Cutting the power is ext4's shutdown request without a log flush, as xfstests' *godown* does it: whatever was
not synced is gone, stores into mapped files included. The next mount replays the journal, as after a cut.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

MEBIBYTE = 1024 * 1024
_EXT4_SHUTDOWN = 0x8004587D
_WITHOUT_LOG_FLUSH = 2
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def unavailable() -> str | None:
    """Why no such disk can be had here, or None."""
    if os.geteuid() != 0:
        return "a loop-mounted disk needs root"
    for tool in ("mkfs.ext4", "losetup", "mount", "umount"):
        if shutil.which(tool, path=_PATH) is None:
            return f"{tool} is not installed"
    if not Path("/dev/loop-control").exists():
        return "this kernel offers no loop devices"
    return None


def _run(*command: str) -> str:
    environment = os.environ | {"PATH": _PATH}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


class LoopDisk:
    """An ext4 file system in a file, mounted at ``mount_point`` while the context is entered."""

    def __init__(self, directory: Path, size_bytes: int = 256 * MEBIBYTE) -> None:
        self.mount_point = directory / "disk"
        self._image = directory / "disk.img"
        self._size_bytes = size_bytes
        self._device: str | None = None
        self._mounted = False

    def __enter__(self) -> LoopDisk:
        self.mount_point.mkdir()
        with self._image.open("wb") as image:
            image.truncate(self._size_bytes)
        # No reserved blocks: root would write on when everybody else's disk is full.
        # Blocks of 1 KB, the default of small ones, are seen on no disk that holds a database.
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", str(self._image))
        try:
            self._device = _run("losetup", "--find", "--show", str(self._image))
            self.mount()
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.unmount()
        if self._device is not None:
            _run("losetup", "--detach", self._device)
        self._image.unlink(missing_ok=True)

    def mount(self) -> None:
        assert self._device is not None
        _run("mount", "-t", "ext4", self._device, str(self.mount_point))
        self._mounted = True

    def unmount(self) -> None:
        """Processes that use the disk must be dead already; letting go of their files may take a moment."""
        for attempts_left in reversed(range(50)):
            if not self._mounted:
                return
            try:
                _run("umount", str(self.mount_point))
                self._mounted = False
            except OSError:
                if not attempts_left:
                    raise
                time.sleep(0.1)

    def cut_power(self) -> None:
        """From here on nothing more reaches the disk; every write and sync fails."""
        descriptor = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _EXT4_SHUTDOWN, struct.pack("I", _WITHOUT_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def restore_power(self) -> None:
        """Mount again, which replays the journal. What was not synced before the cut is gone."""
        self.unmount()
        self.mount()
