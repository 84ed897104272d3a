"""The commands behind `oppman migrate`."""
