"""What a command costs against the number of revision files: a picture, drawn without a library."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.measuring import Timed, run_in_turns
from bench.projects import pair

SIZES = (1, 10, 100, 1000, 5000, 20_000)
COMMANDS = ("upgrade", "current", "history")
STOCK = {"upgrade": ("upgrade", "head"), "current": ("current",), "history": ("history",)}
LARGEST_STOCK = 5000  # `alembic current` would take minutes at the next
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 360, 60, 40, 20
COLOURS = {"upgrade": "#1b6ca8", "current": "#2a9d5c", "history": "#8e44ad"}
Line = Sequence[tuple[int, float]]


def measure_growth(sizes: Sequence[int] = SIZES) -> dict[str, list[tuple[int, float]]]:
    """For each command, ours and stock Alembic's, the medians in seconds by the number of files."""
    found: dict[str, list[tuple[int, float]]] = {}
    scripts = Path(sys.executable).parent
    for size in sizes:
        with pair(size) as projects:
            timed = [
                Timed(f"oppman {name}", [sys.executable, "oppman.py", "migrate", name], projects.ours)
                for name in COMMANDS
            ]
            if size <= LARGEST_STOCK:
                timed += [
                    Timed(f"alembic {name}", [str(scripts / "alembic"), *STOCK[name]], projects.stock, runs=1)
                    for name in COMMANDS
                ]
            for name, median in run_in_turns(timed).items():
                found.setdefault(name, []).append((size, median))
    return found


def draw(lines: Mapping[str, Line]) -> str:
    """An SVG with both axes logarithmic; dashed lines are stock Alembic's."""
    sizes = sorted({size for line in lines.values() for size, _seconds in line})
    least, most = 0.01, max(seconds for line in lines.values() for _size, seconds in line) * 1.3

    def x(size: int) -> float:
        return LEFT + (WIDTH - LEFT - 130) * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def y(seconds: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - math.log(seconds / least) / math.log(most / least))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="11" fill="#333"><rect width="100%" height="100%" fill="#fff"/>'
    ]
    for size in sizes:
        parts.append(f'<text x="{x(size):.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{size}</text>')
    for seconds in (0.01, 0.1, 1, 10, 100):
        if seconds <= most:
            parts.append(f'<text x="{LEFT - 6}" y="{y(seconds) + 4:.0f}" text-anchor="end">{seconds:g} s</text>')
            parts.append(f'<path d="M{LEFT} {y(seconds):.1f}H{WIDTH - 130}" stroke="#ddd"/>')
    parts.append(f'<text x="{(WIDTH - 70) / 2}" y="{HEIGHT - 6}" text-anchor="middle">revision files</text>')
    for name, line in lines.items():
        program, command = name.split()
        dash = ' stroke-dasharray="5 4"' if program == "alembic" else ""
        points = " ".join(f"{x(size):.1f},{y(seconds):.1f}" for size, seconds in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[command]}" stroke-width="1.8"{dash}/>')
        size, seconds = line[-1]
        parts.append(f'<text x="{x(size) + 5:.0f}" y="{y(seconds) + 4:.0f}" fill="{COLOURS[command]}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
