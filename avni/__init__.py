"""Client of Avni's external API, and the way to read its time windows without losing or repeating a row.

Bodies stay the plain dictionaries of the wire: what they mean is the translators' business.
"""

from __future__ import annotations

from avni.client import AvniClient, AvniPage
from avni.ways import GenerateToken, NoSignIn, way
from avni.windows import Gap, Reading, WindowPosition, read_gap, read_window, window_start

__all__ = [
    "AvniClient", "AvniPage", "Gap", "GenerateToken", "NoSignIn", "Reading", "WindowPosition", "read_gap",
    "read_window", "way", "window_start",
]  # fmt: skip
