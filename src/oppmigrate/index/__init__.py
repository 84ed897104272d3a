"""What was read of files once and need not be read again while they stand as they did; light to import."""

from oppmigrate.index.stamps import Listing, Oddity, Stamp, Watch, is_settled, is_unchanged, list_folder, now_ns, watch
from oppmigrate.index.store import Store

__all__ = [
    "Listing",
    "Oddity",
    "Stamp",
    "Store",
    "Watch",
    "is_settled",
    "is_unchanged",
    "list_folder",
    "now_ns",
    "watch",
]
