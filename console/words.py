"""How things are said on the screens: times, spans, and words with an icon so that nothing hangs on colour alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString

NOTHING = "–"

GOOD, BUSY, CARE, BAD, OFF = "good", "busy", "care", "bad", "off"
"""How a state feels: names of the style sheet's classes."""

ICONS = {GOOD: "✔", BUSY: "↻", CARE: "▲", BAD: "✖", OFF: "○"}


def badge(word: str, feeling: str) -> SafeString:
    """A word with its icon and colour; the icon is for the eye only, the word says it all."""
    template = '<span class="badge badge-{}"><span aria-hidden="true">{}</span> {}</span>'
    return format_html(template, feeling, ICONS[feeling], word)


def when(moment: datetime | None, zone: str) -> SafeString | str:
    """A time as people there read it, with its zone; UTC on hover."""
    if moment is None:
        return NOTHING
    local = moment.astimezone(ZoneInfo(zone))
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.astimezone(UTC).isoformat(timespec="seconds"),
        moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        f"{local:%d %b %Y, %H:%M} {_zone_at(local)}",
    )


def _zone_at(local: datetime) -> str:
    """What the zone is called at that time: "IST"; by its distance from UTC where it has no name."""
    name = local.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def span(length: timedelta) -> str:
    """A length of time in its two largest units: "2 days 3 hours", "5 minutes"."""
    seconds = max(int(length.total_seconds()), 0)
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    counted: list[tuple[int, str]] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        counted.append((count, name))
    first = next((place for place, (count, _) in enumerate(counted) if count), len(units) - 1)
    said = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in counted[first : first + 2] if count]
    return " ".join(said) or "0 seconds"


def how_many(count: int, one: str, more: str | None = None) -> str:
    """A number with its noun: "1 error", "2 errors"."""
    return f"{count} {one if count == 1 else more or one + 's'}"
