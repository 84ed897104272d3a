"""What an `env.py` says of itself by the names in it."""


def is_ours(source: str) -> bool:
    """Does it use `oppmigrate.environment`, so that it takes the connection that we give it?"""
    return "oppmigrate.environment" in source


def sets_version_table(source: str) -> bool:
    """May it keep the heads in a table, or the files in folders, that the configuration does not name?"""
    return "version_table" in source or sets_version_locations(source)


def sets_version_locations(source: str) -> bool:
    """Are the revision files where only a run of it can tell?"""
    return "version_locations" in source
