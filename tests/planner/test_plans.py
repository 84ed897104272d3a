"""`--plan`: what a person reads before an upgrade, and what `--json` gives."""

import json

from oppmigrate.cli.plans import _at_stake
from oppmigrate.planner import stakes
from oppmigrate.results import Change
from projects import Project
from shop_chain import Shop


def test_plan_says_what_is_done_what_is_at_stake_and_whether_a_backup_is_taken(
    project: Project, database_url: str
) -> None:
    shop = Shop(project, database_url)
    shop.begin()
    plan = shop.ok("migrate", "upgrade", "--plan")
    assert "from r1 to r8: 7 revisions" in plan
    assert "  ! drop column users.email  (2 values now)" in plan
    assert "    tables orders; changes rows; " in plan
    how = "commits as it goes" if "mysql" in database_url else "in one transaction"
    assert f"    tables users; {how}" in plan
    assert "backup  is taken first, in backups (revision r7: drop column users.email" in plan
    assert "backup  none (--no-backup)" in shop.ok("migrate", "upgrade", "--plan", "--no-backup")
    down = shop.ok("migrate", "downgrade", "base", "--plan")
    assert "  ! drop table orders  (3 rows now)" in down
    assert shop.heads() == [("r1",)]
    assert not (project.path / "backups").exists()


def test_json_has_all_of_it(project: Project, database_url: str) -> None:
    shop = Shop(project, database_url)
    shop.begin()
    plan = json.loads(shop.ok("migrate", "upgrade", "--plan", "--json"))
    assert plan["backup"]["is_taken"] is True
    steps = {step["revision"]: step for step in plan["steps"]}
    assert steps["r7"]["changes"][0]["rows_at_stake"] == 2
    assert (steps["r7"]["loses_data"], steps["r3"]["data_steps"], steps["r2"]["data_steps"]) == (True, True, False)
    assert steps["r2"]["transactional"] is ("mysql" not in database_url)
    assert all(step["sql"] and step["checksum"] for step in plan["steps"])


def test_large_table_is_not_counted_to_its_end(project: Project, database_url: str, monkeypatch) -> None:
    shop = Shop(project, database_url)
    shop.begin()
    monkeypatch.setattr(stakes, "BOUND", 2)

    def count(connection):
        return [
            stakes._count(connection, None, "users", None),
            stakes._count(connection, None, "users", "email"),
            stakes._count(connection, None, "orders", "id"),
        ]

    rows, _values, orders = shop.database.run(count)
    assert (rows, orders) == ((2, True), (2, True))
    monkeypatch.setattr(stakes, "BOUND", 3)
    assert shop.database.run(count) == [(3, False), (2, False), (3, False)]


def test_large_number_at_stake_is_a_lower_bound() -> None:
    assert _at_stake(Change("t", "drop column t.x", True, 1204, True)) == "  (at least 1,204 values now)"
    assert _at_stake(Change("t", "drop table t", True, 1)) == "  (1 row now)"
    assert _at_stake(Change("t", "drop column t.x", True)) == ""
