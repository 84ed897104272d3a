"""What a person can get wrong with the application's own commands; the migration system's errors are in oppmigrate."""

from oppmigrate.errors import MigrateError


class PackageMissing(MigrateError):
    """The application needs a package that is not installed."""


class AddressUnusable(MigrateError):
    """The server cannot listen at this host and port."""


class PasswordRefused(MigrateError):
    """The password cannot be taken."""


class EmailRefused(MigrateError):
    """The text is no email address."""


class NotSaved(Exception):
    """A form of the admin that is not taken; its text is shown to whoever sent it."""
