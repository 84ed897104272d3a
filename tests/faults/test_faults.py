"""A fault at every statement, in both directions, on each server: nothing lost, nothing halfway, and the next run ends.

`make test` injects a fixed part of them, `make faults` all; see `cases`. What has to hold is in `survival`.
"""

from collections.abc import Callable

import pytest

from fault_counts import FaultCounts
from faults import system_calls
from faults.cases import Case, cases
from faults.expectations import Expectations
from faults.survival import Survival

SHOWN = 4


@pytest.mark.parametrize("case", cases(), ids=str)
def test_database_is_whole_after_fault(
    case: Case, shops: Callable[[str], Expectations], fault_counts: FaultCounts
) -> None:
    if case.kind == "syscall" and (reason := system_calls.why_not()):
        pytest.skip(reason)
    expectations = shops(case.place)
    failures = []
    for leg, fault in case.faults(expectations):
        problems = Survival(expectations.shop, expectations, leg, fault).problems()
        if problems:
            struck = f"at {expectations.struck(leg, fault.kind, fault.at)}"
            failures.append("\n".join([struck, *problems, f"again: {case.again(leg, fault)}"]))
        else:
            fault_counts.add(case.place, case.kind)
    assert not failures, f"{len(failures)} faults were not survived\n\n" + "\n\n".join(failures[:SHOWN])
