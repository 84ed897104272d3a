"""All the steps, in the order in which they were made."""

from school import growing, widening

STEPS = (*growing.STEPS, *widening.STEPS)
