"""The header: JSON in UTF-8 bytes, read more strictly than JSON usually is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from dsqn_fast.errors import ModelError, ModelFileError
from dsqn_fast.model.checks import shown
from dsqn_fast.model_io.layout import MAX_HEADER_BYTES


def write_header(header: Mapping[str, Any]) -> bytes:
    """Return the header's bytes; the same header gives the same bytes.

    Raises:
        ModelError: It is larger than ``MAX_HEADER_BYTES``.
    """
    data = json.dumps(header, ensure_ascii=False, allow_nan=False).encode()
    if len(data) > MAX_HEADER_BYTES:
        raise ModelError(
            f"the header would have {len(data)} bytes, more than {MAX_HEADER_BYTES}: "
            "shorten the provenance"
        )
    return data


def read_header(data: bytes) -> dict[str, Any]:
    """Return the JSON object in ``data``.

    Raises:
        ModelFileError: It is not UTF-8 or not JSON, is nested too deeply, has a key twice, or
            has a number that is not finite.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise ModelFileError(f"its header is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ModelFileError(
            f"its header is not JSON: {error.msg} at character {error.pos}"
        ) from None
    except RecursionError:
        raise ModelFileError("its header is nested too deeply") from None
    except ModelFileError:
        raise
    except ValueError:
        raise ModelFileError("its header has an integer of thousands of digits") from None
    if not isinstance(value, dict):
        raise ModelFileError(f"its header must be a JSON object, not {shown(value)}")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value:
            raise ModelFileError(f"its header has the key {shown(key)} twice")
        value[key] = item
    return value


def _refuse_constant(word: str) -> float:
    raise ModelFileError(f"its header has the number {word}, which is not finite")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ModelFileError(f"its header has the number {shown(digits)}, which is not finite")
    return value
