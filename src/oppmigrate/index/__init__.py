"""What was read of files once and need not be read again while they stand as they did; light to import."""

from oppmigrate.index.stamps import (
    Listing,
    Oddity,
    Stamp,
    Watch,
    digest_of_file,
    is_settled,
    list_folder,
    look_again,
    now_ns,
    packed,
    stamp_of,
    watch,
)
from oppmigrate.index.store import Store

__all__ = [
    "Listing",
    "Oddity",
    "Stamp",
    "Store",
    "Watch",
    "digest_of_file",
    "is_settled",
    "list_folder",
    "look_again",
    "now_ns",
    "packed",
    "stamp_of",
    "watch",
]
