"""Films: pictures one after the other in a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import MissingExtraError, OptionError, OutputPathError
from dsqn_fast.output_files import check_writable

FORMATS: Final = (".mp4", ".gif")
_BLOCK: Final = 16
"""Codecs cut pictures into blocks of so many pixels."""


class Film(Protocol):
    """Where pictures go."""

    def append_data(self, picture: NDArray[np.uint8]) -> Any:
        """Add one picture, (height, width, 3) uint8, all of one size."""


def check_film(path: str | Path) -> None:
    """Check early that a film can be made.

    Raises:
        OptionError: The file's ending is no format of films.
        MissingExtraError: What writes films is not installed.
        OutputPathError: The file cannot be written.
    """
    if Path(path).suffix.lower() not in FORMATS:
        raise OptionError(f"a film must end in {' or '.join(FORMATS)}, not {Path(path).name!r}")
    check_writable(path)
    _imageio()


@contextmanager
def open_film(path: str | Path, *, frames_per_second: float) -> Iterator[Film]:
    """A film that is there when the block ends without an error.

    Args:
        path: The file, .mp4 or .gif.
        frames_per_second: Pictures per second.

    Raises:
        As `check_film`.
    """
    check_film(path)
    target = Path(path)
    suffix = target.suffix.lower()
    options: dict[str, Any] = {"macro_block_size": _BLOCK, "ffmpeg_log_level": "error"}
    if suffix == ".gif":
        # A GIF counts hundredths of a second; it repeats for ever.
        options = {"loop": 0, "duration": 10 * round(100 / frames_per_second)}
    else:
        options["fps"] = frames_per_second
    temporary = target.with_name(f".{secrets.token_hex(8)}{suffix}")
    try:
        with _imageio().get_writer(temporary, mode="I", **options) as film:
            yield film
        temporary.replace(os.path.realpath(target))
    except OSError as error:
        raise OutputPathError(
            f"{str(path)!r} cannot be written ({error.strerror or error}): choose a folder that "
            "has room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def side_by_side(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two pictures of one height as one, black below and beside to whole blocks of a codec."""
    height, width = left.shape[0], left.shape[1] + right.shape[1]
    whole = (-(-height // _BLOCK) * _BLOCK, -(-width // _BLOCK) * _BLOCK, 3)
    picture = np.zeros(whole, np.uint8)
    picture[:height, : left.shape[1]] = left
    picture[:height, left.shape[1] : width] = right
    return picture


def _imageio() -> Any:
    try:
        import imageio.v2 as imageio
        import imageio_ffmpeg  # noqa: F401  # imageio finds it when it writes
    except ImportError as error:
        raise MissingExtraError(
            f'films need {error.name}, which is not installed: pip install "dsqn-fast[film]"'
        ) from error
    return imageio
