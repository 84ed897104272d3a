"""A school's tables, before the first of the steps: 60 of them."""

from models import access, assessment, library, money, office, people, rooms, services, teaching
from models.base import Base

__all__ = ["Base", "access", "assessment", "library", "money", "office", "people", "rooms", "services", "teaching"]
