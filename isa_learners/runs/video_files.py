"""Writing of video files: GIF with Pillow, MP4 with ffmpeg."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from isa_wrappers.errors import CannotWriteError, InvalidValueError, MissingDependencyError, one_line
from isa_wrappers.files import replacing

FRAME_MS = 150
LAST_FRAME_MS = 1_500


def write_gif(frames: Iterator[Any], count: int, path: Path) -> None:
    """Write a GIF that loops and pauses on its last frame.

    Args:
        frames: Pillow images.
        count: number of images.
        path: path of the file.
    """
    durations = [FRAME_MS] * (count - 1) + [LAST_FRAME_MS]
    with replacing(path) as file:
        first = next(frames)
        first.save(file, format="GIF", save_all=True, append_images=frames, duration=durations, loop=0)


def write_mp4(frames: Iterator[Any], count: int, path: Path) -> None:
    """Write H.264 in MP4, which pauses on its last frame too.

    Raises:
        CannotWriteError: if ffmpeg cannot encode it.
    """
    encoder = ffmpeg()
    first = next(frames)
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "film.mp4"
        command = [encoder, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{first.width}x{first.height}", "-r", f"1000/{FRAME_MS}", "-i", "-", "-an"]
        command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "18", "-movflags", "+faststart", str(video)]
        with tempfile.TemporaryFile() as log:
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process:
                failed = not _send_frames(process, chain([first], frames))
            log.seek(0)
            message = one_line(log.read().decode(errors="replace"))
        if failed or process.returncode or not video.exists():
            raise CannotWriteError(f"cannot write to {path}: ffmpeg ({encoder}) says: {message or process.returncode}")
        with replacing(path) as file, video.open("rb") as source:
            shutil.copyfileobj(source, file)


def _send_frames(process: subprocess.Popen[bytes], frames: Iterator[Any]) -> bool:
    """Send the frames, repeating the last one for the pause; return whether the encoder accepted them."""
    stdin = process.stdin
    if stdin is None:
        return False
    data = b""
    try:
        for frame in frames:
            data = frame.tobytes()
            stdin.write(data)
        for _ in range(LAST_FRAME_MS // FRAME_MS - 1):
            stdin.write(data)
        stdin.close()
    except BrokenPipeError:
        with suppress(BrokenPipeError):  # on flushing the rest of the buffer
            stdin.close()
        return False
    return True


def ffmpeg() -> str:
    """Return the path of ffmpeg: that of package imageio-ffmpeg, else the system's.

    Raises:
        MissingDependencyError: if neither exists.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # the package may lack its executable
        path = shutil.which("ffmpeg")
    if path is None:
        raise MissingDependencyError(
            "MP4 needs an encoder, which is not installed; pip install 'isa-marl[video]', or put ffmpeg on the PATH; "
            ".gif needs none"
        )
    return path


WRITERS: dict[str, Callable[[Iterator[Any], int, Path], None]] = {".gif": write_gif, ".mp4": write_mp4}


def check_video(path: Path) -> None:
    """Check that a film can be written, before any episode is played.

    Raises:
        InvalidValueError: for another file name extension.
        MissingDependencyError: if Pillow, Matplotlib or an MP4 encoder is missing.
    """
    if path.suffix.lower() not in WRITERS:
        raise InvalidValueError(f"--render takes a file that ends in .gif or .mp4, got {str(path)!r}")
    try:
        import matplotlib  # noqa: F401 - its letters
        import PIL  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"--render needs {error.name}, which is not installed; pip install 'isa-marl[plot]'"
        ) from error
    if path.suffix.lower() == ".mp4":
        ffmpeg()
