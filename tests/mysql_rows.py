"""A MariaDB or MySQL database with rows and objects of many kinds, and what it holds, for comparing."""

from contextlib import closing
from typing import Any

import pymysql

from oppmigrate.databases import Database

DRIVERS = ("mysql+pymysql", "mysql+aiomysql", "mariadb+pymysql")


PASSWORD = "Se#s\\am:'open@/100%\""


SCHEMA = [
    "CREATE TABLE parents (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE COLLATE utf8mb4_bin,"
    " mood ENUM('low', 'high') DEFAULT 'high', picture BLOB, `odd:name %s` VARCHAR(20), twice INT AS (id * 2) VIRTUAL)"
    " AUTO_INCREMENT = 40",
    "CREATE TABLE children (id INT AUTO_INCREMENT PRIMARY KEY, parent INT,"
    " FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE)",
    "CREATE VIEW named AS SELECT name FROM parents",
    "CREATE TRIGGER bred AFTER INSERT ON parents FOR EACH ROW BEGIN"
    " INSERT INTO children (parent) VALUES (NEW.id); INSERT INTO children (parent) VALUES (NEW.id); END",
    "CREATE FUNCTION doubled(x INT) RETURNS INT DETERMINISTIC RETURN x * 2",
    "CREATE PROCEDURE nothing() BEGIN END",
    "CREATE EVENT later ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DO SELECT 1",
    "INSERT INTO parents (name, picture) VALUES ('Ada', X'00FF27'), ('Grüße 🌙', NULL)",
]


def connect(database: Database) -> "pymysql.Connection[Any]":
    url = database.url
    return pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )


def query(database: Database, *statements: str) -> list[Any]:
    """Run the statements; the rows of the last one."""
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def is_mariadb(database: Database) -> bool:
    return "MariaDB" in query(database, "SELECT VERSION()")[0][0]


def state(database: Database) -> list[Any]:
    rows = query(database, "SHOW TABLES")
    found: list[Any] = [rows]
    for (name,) in rows:
        found += query(database, f"SHOW CREATE TABLE `{name}`") + query(database, f"SELECT * FROM `{name}`")
    for kind in ("TRIGGERS", "EVENTS"):
        found.append([row[:4] for row in query(database, f"SHOW {kind}")])
    routines = (
        "SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE()"
    )
    return [*found, query(database, routines + " ORDER BY 1")]
