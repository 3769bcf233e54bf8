#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the results of side_by_side.py as numbers, as a table and as a picture.

    python bench/report.py bench/results/FILE.json      table and picture again
"""
import argparse
import json
from pathlib import Path
from xml.sax.saxutils import escape

OURS = "onnxrun"
LEAST_ROUNDS = 5
COLORS = {"onnxrun": "#1b6ca8", "onnxruntime": "#e08e2b", "openvino": "#7a9e3c",
          "torch": "#b5524a", "tract": "#8a6fae"}
OTHER_COLOR = "#888888"


def engine_names(results):
    """All engines of all rows, ours first."""
    names = dict.fromkeys(name for row in results["rows"] for name in row["engines"])
    return [OURS] * (OURS in names) + [name for name in names if name != OURS]


def share(row, name):
    """The limit over the engine's time; None where there is no limit or no time."""
    facts = row["engines"].get(name, {})
    if not row["limit_ms"] or not is_measured(row, facts):
        return None
    return row["limit_ms"] / facts["median_ms"]


def is_measured(row, facts):
    return "median_ms" in facts and row["rounds"] >= LEAST_ROUNDS


def fastest_rival(row):
    """Name of the fastest other engine; None when there is none."""
    rivals = {name: facts["median_ms"] for name, facts in row["engines"].items()
              if name != OURS and is_measured(row, facts)}
    return min(rivals, key=rivals.get, default=None)


def time_cell(row, name):
    facts = row["engines"].get(name)
    if facts is None or not is_measured(row, facts):
        return "–" if facts is None or "error" not in facts else "no"
    part = share(row, name)
    return f"{facts['median_ms']:.4g}" + (f" ({100 * part:.0f} %)" if part else "")


def table(results):
    """Markdown."""
    names = engine_names(results)
    lines = ["| workload | limit ms | " + " | ".join(f"{name} ms" for name in names)
             + " | fastest rival / onnxrun | p10–p90 | quiet runs |",
             "|---|---:|" + "---:|" * len(names) + "---:|---|---:|"]
    for row in results["rows"]:
        rival = fastest_rival(row)
        ratio = row["engines"][rival].get("ratio") if rival else None
        cells = [row["title"], f"{row['limit_ms']:.4g}" if row["limit_ms"] else "–"]
        cells += [time_cell(row, name) for name in names]
        cells += [f"**{ratio[1]:.2f}** {rival}", f"{ratio[0]:.2f}–{ratio[2]:.2f}"] if ratio \
            else ["not measured", "–"]
        cells.append(f"{row['counts']['accepted']} / {row['counts']['runs']}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def memory_table(results):
    names = engine_names(results)
    lines = ["| workload | " + " | ".join(f"{name} MiB" for name in names) + " |",
             "|---|" + "---:|" * len(names)]
    for row in results["rows"]:
        peaks = [row["engines"].get(name, {}).get("peak_bytes") for name in names]
        if any(peaks):
            cells = [f"{peak / 2**20:.0f}" if peak else "–" for peak in peaks]
            lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    return lines


def versions(results):
    found = {name: facts["version"] for row in results["rows"]
             for name, facts in row["engines"].items() if "version" in facts}
    return ", ".join(f"{name} {version}" for name, version in found.items() if name != OURS)


def refusals(results):
    """Why an engine has no time for a row."""
    return [f"- {row['title']}, {name}: {facts['error']}" for row in results["rows"]
            for name, facts in row["engines"].items() if "error" in facts]


def markdown(results, picture):
    limits = [row["limits"] for row in results["rows"]]
    lines = [
        f"# {results['cpu']}, {results['threads']} threads, float32, {results['date']}", "",
        f"{results['extensions']}; onnxrun with {results['isa']}. Rivals: {versions(results)}.", "",
        f"Limits: {max(item['flops'] for item in limits):.1f} GFLOP/s, "
        f"{max(item['bytes'] for item in limits):.1f} GB/s. In brackets: share of the limit. "
        "The ratio is the rival's time over onnxrun's: above 1, onnxrun is faster. "
        "Quiet runs: those that count, of all. tract has one thread. "
        "`bench/README.md` explains the columns.", "",
        f"![Share of the limit]({picture.name})", "", *table(results), ""]
    if refusals(results):
        lines += ["Not run:", "", *refusals(results), ""]
    lines += ["Peak memory of the process, interpreter and libraries included:", "",
              *memory_table(results), ""]
    return "\n".join(lines)


# ---- picture ----

LABEL_WIDTH, BAR_WIDTH, BAR_HEIGHT, GAP, TOP = 260, 520, 11, 12, 56


def text(x, y, content, anchor="start", size=12):
    return (f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">'
            f"{escape(content)}</text>")


def bars(row, names, y):
    """Bars of one workload, from y downwards."""
    parts = [text(LABEL_WIDTH - 8, y + BAR_HEIGHT * len(names) / 2 + 4, row["title"], "end")]
    for index, name in enumerate(names):
        part, top = share(row, name), y + index * BAR_HEIGHT
        if part is None:
            parts.append(text(LABEL_WIDTH + 4, top + 9, f"{name}: –", size=9))
            continue
        width = min(part, 1.0) * BAR_WIDTH
        parts.append(f'<rect x="{LABEL_WIDTH}" y="{top}" width="{width:.1f}" '
                     f'height="{BAR_HEIGHT - 1}" fill="{COLORS.get(name, OTHER_COLOR)}"/>')
        parts.append(text(LABEL_WIDTH + width + 4, top + 9,
                          f"{100 * part:.0f} %  {row['engines'][name]['median_ms']:.4g} ms",
                          size=9))
    return parts


def picture(results):
    """SVG: for each workload the share of the limit that each engine reaches."""
    names = engine_names(results)
    rows = [row for row in results["rows"] if any(share(row, name) for name in names)]
    step = BAR_HEIGHT * len(names) + GAP
    width, height = LABEL_WIDTH + BAR_WIDTH + 120, TOP + step * len(rows) + 8
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}" font-family="sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             text(8, 18, f"Share of the machine's limit, float32, {results['threads']} threads, "
                  f"{results['cpu']}, {results['date']}", size=14)]
    for index, name in enumerate(names):
        x = LABEL_WIDTH + index * 110
        parts.append(f'<rect x="{x}" y="30" width="12" height="12" '
                     f'fill="{COLORS.get(name, OTHER_COLOR)}"/>')
        parts.append(text(x + 16, 40, name))
    for percent in (25, 50, 75, 100):
        x = LABEL_WIDTH + BAR_WIDTH * percent / 100
        parts.append(f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{height - 8}" '
                     'stroke="#cccccc"/>')
    for index, row in enumerate(rows):
        parts += bars(row, names, TOP + index * step)
    return "\n".join([*parts, "</svg>", ""])


def write_report(results, path):
    """FILE.json, FILE.md and FILE.svg for path FILE.json."""
    drawing = path.with_suffix(".svg")
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    drawing.write_text(picture(results), encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(results, drawing), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("results", type=Path, metavar="FILE.json")
    args = parser.parse_args()
    write_report(json.loads(args.results.read_text(encoding="utf-8")), args.results)


if __name__ == "__main__":
    main()
