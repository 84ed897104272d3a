"""What is looked at before a revision's operation is carried out, and again before the commit: rows."""

from oppmigrate.safety.allowances import is_allowed
from oppmigrate.safety.guarding import Guard, guarding
from oppmigrate.safety.preflight import Noted, noting, preflight

__all__ = ["Guard", "Noted", "guarding", "is_allowed", "noting", "preflight"]
