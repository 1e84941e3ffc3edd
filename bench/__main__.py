"""``python -m bench``: measure, print the table, and end with 1 where a row is below its floor."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from bench import clusters, machine, runs, stores, table
from bench.rows import BY_KEY, ENGINES, Result, below_floor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments choose; 0 where every measured row keeps its floor, else 1."""
    chosen = _parser().parse_args(arguments)
    wanted = set(chosen.rows.split(",")) if chosen.rows else set(BY_KEY)
    unknown = sorted(wanted - set(BY_KEY))
    if unknown:
        print(f"There is no row {', '.join(unknown)}; there are {', '.join(BY_KEY)}.", file=sys.stderr)
        return 2
    cores, described = machine.cores(), machine.described()
    os.sched_setaffinity(0, {cores.client})
    kept = Path(chosen.data).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    plan = runs.QUICK if chosen.quick else runs.FULL
    results: list[Result] = []
    for engine in ENGINES if chosen.engine == "both" else (chosen.engine,):
        with clusters.running(kept, cores) if engine == "postgresql" else nullcontext() as cluster:
            if cluster is not None:
                stores.clear(cluster)
            results += measure(runs.Run(engine, plan, kept, cores, cluster), wanted)
    mode = f"{'quick' if chosen.quick else 'full'}, {plan.tasks:,} tasks{'' if cores.apart else ', one core only'}"
    print(table.markdown(results, machine=described, today=datetime.now(UTC).date(), mode=mode))
    return verdict(results)


def measure(run: runs.Run, wanted: set[str]) -> list[Result]:
    """The wanted rows of one engine, in the order of the table."""
    results: list[Result] = []
    for part, keys in runs.PARTS.items():
        if keys & wanted:
            print(f"{run.engine}: {part.__name__}", file=sys.stderr, flush=True)
            results += [result for result in part(run) if result.key in wanted]
    return sorted(results, key=lambda result: list(BY_KEY).index(result.key))


def verdict(results: Sequence[Result]) -> int:
    """0, or 1 and a sentence for each row below its floor."""
    failed = below_floor(results)
    for result in failed:
        row = result.row
        floor = row.shown(row.bound(result.engine, row.floor))
        print(f"{result.engine}: {row.text}: {row.shown(result.value)}, the floor is {floor}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller stores, short rounds: within a minute an engine")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    parser.add_argument("--rows", default="", help=f"some of {','.join(BY_KEY)}; all of them where none is named")
    parser.add_argument("--data", default="bench-data", help="folder that keeps the filled stores between runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
