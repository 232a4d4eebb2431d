"""GIF and MP4: what encoders are given, what they make, and what is said where there is none."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from isa_learners.runs import video_files
from isa_learners.runs.video_files import FRAME_MS, LAST_FRAME_MS, check_video, ffmpeg, write_mp4
from isa_wrappers.errors import CannotWriteError, InvalidValueError, MissingDependencyError

PIL = pytest.importorskip("PIL.Image")
SIDE = 64


def images(count=3):
    """Frames that grow lighter."""
    return (PIL.fromarray(np.full((SIDE, SIDE, 3), min(80 * i + 20, 180), dtype=np.uint8)) for i in range(count))


def has_ffmpeg():
    try:
        ffmpeg()
    except MissingDependencyError:
        return False
    return True


@pytest.mark.skipif(not has_ffmpeg(), reason="needs ffmpeg: pip install imageio-ffmpeg")
def test_mp4_holds_the_frames_and_rests_on_the_last(tmp_path):
    write_mp4(images(), 3, path := tmp_path / "film.mp4")
    assert path.read_bytes()[4:8] == b"ftyp"
    command = [ffmpeg(), "-loglevel", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    shown = np.frombuffer(raw, dtype=np.uint8).reshape(-1, SIDE, SIDE, 3).astype(int)
    assert len(shown) == 2 + LAST_FRAME_MS // FRAME_MS
    for frame, light in zip(shown, (20, 100, *[180] * 10), strict=True):
        assert np.abs(frame - light).max() <= 6


def stand_in(folder, code):
    """A program called ffmpeg that does what ``code`` says; ``out`` is its last argument."""
    program = folder / "ffmpeg"
    program.write_text(f"#!{sys.executable}\nimport sys\nout = sys.argv[-1]\n{code}\n")
    program.chmod(0o755)
    return str(program)


def test_the_encoder_is_given_every_frame(tmp_path, monkeypatch):
    code = "open(out, 'wb').write(' '.join(sys.argv[1:]).encode() + b'|' + sys.stdin.buffer.read())"
    program = stand_in(tmp_path, code)
    monkeypatch.setattr(video_files, "ffmpeg", lambda: program)
    write_mp4(images(), 3, path := tmp_path / "deep" / "film.mp4")
    told, _, data = path.read_bytes().partition(b"|")
    assert b"-s 64x64" in told
    assert b"yuv420p" in told
    assert len(data) == (2 + LAST_FRAME_MS // FRAME_MS) * SIDE * SIDE * 3
    assert set(data[: SIDE * SIDE * 3]) == {20}


@pytest.mark.parametrize("code", ["sys.exit('Unknown encoder libx264')", "sys.stdin.close(); sys.exit('Unknown')"])
def test_an_encoder_that_fails_says_why_and_leaves_no_file(tmp_path, monkeypatch, code):
    program = stand_in(tmp_path, code)
    monkeypatch.setattr(video_files, "ffmpeg", lambda: program)
    with pytest.raises(CannotWriteError, match=r"film.mp4: ffmpeg .* says: Unknown"):
        write_mp4(images(300), 300, tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()


def test_without_an_encoder_the_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'isa-marl\[video\]'"):
        check_video(tmp_path / "film.mp4")
    check_video(tmp_path / "film.gif")
    with pytest.raises(InvalidValueError, match=r"ends in \.gif or \.mp4"):
        check_video(tmp_path / "film.webm")
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/ffmpeg")
    assert ffmpeg() == "/usr/bin/ffmpeg"
