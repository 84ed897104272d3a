"""All the steps, in the order in which they were made."""

from school import ending, growing, rekeying, splitting, tying, widening

STEPS = (
    *growing.STEPS,
    *widening.STEPS,
    *tying.STEPS,
    *rekeying.STEPS,
    *splitting.STEPS,
    *ending.STEPS,
)
