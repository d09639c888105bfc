"""Charts as SVG by themselves: no script, no fonts from elsewhere, text as text.

Colours follow the reader's scheme, and every series also differs by its form or its words.
"""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Any

_WIDTH = 860
_STYLE = """
svg { color-scheme: light dark; }
text { font: 13px system-ui, sans-serif; fill: #1f2430; }
.quiet { fill: #5b6472; }
.title { font-size: 16px; font-weight: 600; }
.ground { fill: #ffffff; }
.bar, .a { fill: #2f6fde; stroke: #2f6fde; }
.b { fill: #b4541a; stroke: #b4541a; }
.c { fill: #1d7f5f; stroke: #1d7f5f; }
.d { fill: #8a3fb8; stroke: #8a3fb8; }
.axis { stroke: #c9ced6; }
.must { stroke: #b3261e; stroke-width: 2; }
.aim { stroke: #1d7f5f; stroke-width: 2; stroke-dasharray: 4 3; }
.line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e8eaef; }
  .quiet { fill: #a3abb8; }
  .ground { fill: #14171d; }
  .bar, .a { fill: #7aa7f7; stroke: #7aa7f7; }
  .b { fill: #f0a06a; stroke: #f0a06a; }
  .c { fill: #62c9a4; stroke: #62c9a4; }
  .d { fill: #c792ea; stroke: #c792ea; }
  .axis { stroke: #3a404b; }
  .must { stroke: #ff8a80; }
  .aim { stroke: #62c9a4; }
}
.line.a, .line.b, .line.c, .line.d { fill: none; }
"""
_SERIES = "abcd"


def rates_chart(report: Mapping[str, Any]) -> str | None:
    """A bar per operation on a scale by tens, with what must and what should be reached."""
    entries = list(report.get("product", {}).values())
    if not entries:
        return None
    known = [
        one
        for entry in entries
        for one in (entry["per_second"], entry["must"], entry["aim"])
        if one
    ]
    low, high = 10.0, max([100.0, *known]) * 1.3
    left, top, step, right = 260, 64, 34, _WIDTH - 90

    def at(value: float) -> float:
        share = (log10(max(value, low)) - log10(low)) / (log10(high) - log10(low))
        return left + share * (right - left)

    height = top + step * len(entries) + 34
    parts = [_text(16, 26, "Operations per second", "title")]
    parts.append(_text(16, 46, "red: must be reached; dashed: aimed at; scale by tens", "quiet"))
    tick = 10
    while tick < high:
        parts.append(_line(at(tick), top - 6, at(tick), height - 30, "axis"))
        parts.append(_text(at(tick), height - 12, f"{tick:,}", "quiet", anchor="middle"))
        tick *= 10
    for place, entry in enumerate(entries):
        y = top + place * step
        rate = float(entry["per_second"] or 0)
        parts.append(_text(left - 10, y + 16, str(entry["title"]), anchor="end"))
        parts.append(_rect(left, y + 2, max(at(rate) - left, 1), 20, "bar"))
        bars = {kind: at(entry[kind]) for kind in ("aim", "must") if entry[kind]}
        parts += [_line(x, y - 2, x, y + 26, kind) for kind, x in bars.items()]
        beyond = max(at(rate), *bars.values()) if bars else at(rate)
        parts.append(_text(beyond + 8, y + 17, f"{rate:,.0f}"))
    return _svg(height, parts, "Operations per second, beside the bars to reach")


def overload_chart(report: Mapping[str, Any]) -> str | None:
    """Goodput and what was shed, by what was offered."""
    overload = report.get("overload") or {}
    steps = overload.get("steps") or []
    if not steps:
        return None
    offered = [float(one["offered_per_second"]) for one in steps]
    goodput = [float(one["goodput_per_second"]) for one in steps]
    shed = [
        _rate_of(one["shed"], one["accepted"], float(one["goodput_per_second"])) for one in steps
    ]
    peak = float(overload.get("peak_per_second") or 0)
    return _lines(
        "Orders under overload",
        "orders per second, by those offered per second; dashed: 80 % of the peak",
        [("done", offered, goodput), ("shed (503, come again)", offered, shed)],
        bar=0.8 * peak,
    )


def scaling_chart(report: Mapping[str, Any]) -> str | None:
    """Rates of larger markets in percent of the smallest."""
    sizes = [one for one in report.get("scaling") or [] if one.get("shares")]
    if len(sizes) < 2:
        return None
    names = list(dict.fromkeys(name for one in sizes for name in one["shares"]))
    places = [float(number) for number in range(len(sizes))]
    series = []
    for name in names:
        known = [
            (place, 100 * one["shares"][name])
            for place, one in zip(places, sizes, strict=True)
            if one["shares"].get(name) is not None
        ]
        series.append((name, [place for place, _ in known], [share for _, share in known]))
    labels = {
        place: f"{_short(one['products'])} products, {_short(one['past_orders'])} orders"
        for place, one in zip(places, sizes, strict=True)
    }
    return _lines(
        "By the size of the market",
        "rate in percent of the smallest; dashed: 80 %",
        series,
        bar=80.0,
        labels=labels,
    )


def _rate_of(count: float, beside: float, rate: float) -> float:
    return rate * count / beside if beside else 0.0


def _short(count: int) -> str:
    if count >= 1_000_000:
        return f"{count / 1_000_000:g}M"
    return f"{count / 1000:g}k" if count >= 1000 else str(count)


def _lines(
    title: str,
    subtitle: str,
    series: Sequence[tuple[str, Sequence[float], Sequence[float]]],
    *,
    bar: float,
    labels: Mapping[float, str] | None = None,
) -> str:
    left, right, top, bottom = 70, _WIDTH - 200, 70, 330
    across = [one for _, xs, _ in series for one in xs]
    up = [one for _, _, ys in series for one in ys]
    x_min = min(across, default=0.0) if labels else 0.0
    x_max, y_max = max([*across, x_min + 1e-9]), _ceiling(max([*up, bar, 1.0]))

    def point(x: float, y: float) -> tuple[float, float]:
        share = (x - x_min) / (x_max - x_min)
        return left + share * (right - left), bottom - y / y_max * (bottom - top)

    parts = [_text(16, 26, title, "title"), _text(16, 46, subtitle, "quiet")]
    for quarter in range(5):
        value = y_max * quarter / 4
        y = point(x_min, value)[1]
        parts.append(_line(left, y, right, y, "axis"))
        parts.append(_text(left - 8, y + 4, f"{value:,.0f}", "quiet", anchor="end"))
    shown = labels or {one: f"{one:,.0f}" for one in sorted(set(across))}
    for number, (x, label) in enumerate(shown.items()):
        # Neighbours stand on two lines, or their words would meet.
        parts.append(
            _text(
                point(x, 0)[0],
                bottom + 20 + 16 * (number % 2 if labels else 0),
                label,
                "quiet",
                anchor="middle",
            )
        )
    parts.append(_line(*point(x_min, bar), *point(x_max, bar), "aim"))
    taken: list[float] = []
    for place, (name, xs, ys) in enumerate(series):
        kind = _SERIES[place % len(_SERIES)]
        drawn = [point(x, y) for x, y in zip(xs, ys, strict=True)]
        if not drawn:
            continue
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        parts.append(f'<polyline class="line {kind}" points="{path}"/>')
        parts += [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in drawn]
        y = drawn[-1][1] + 4
        while any(abs(y - other) < 15 for other in taken):
            y += 3
        taken.append(y)
        parts.append(_text(drawn[-1][0] + 10, y, f"{name} {ys[-1]:,.0f}"))
    return _svg(bottom + 54, parts, title)


def _ceiling(value: float) -> float:
    """A round number above, whose quarters are round as well."""
    power = 10.0 ** int(log10(value))
    return next(
        power * step
        for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12)
        if power * step >= value
    )


def _svg(height: float, parts: Sequence[str], label: str) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}"'
        f' width="{_WIDTH}" height="{height:.0f}" role="img" aria-label="{escape(label)}">\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="ground" width="100%" height="100%"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, words: str, kind: str = "", *, anchor: str = "start") -> str:
    chosen = f' class="{kind}"' if kind else ""
    return f'<text{chosen} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}"/>'
