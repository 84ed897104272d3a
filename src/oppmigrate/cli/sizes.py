"""Sizes, ages and numbers in words."""

import datetime


def size_in_words(size_bytes: int) -> str:
    """`12.3 MB`, in powers of 1000."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.95:  # what would be rounded to 1000.0 is 1.0 of the next unit
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def counted(count: int, noun: str) -> str:
    """`1 revision`, `2 revisions`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def age_in_words(moment: datetime.datetime, now: datetime.datetime | None = None) -> str:
    """`3 hours ago`, from an aware moment."""
    seconds = max(0.0, ((now or datetime.datetime.now(datetime.UTC)) - moment).total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {unit}{'s' * (count != 1)} ago"
    return "just now"
