"""The attack on larger surveys about everything, every place, every shift remembered.

``python -m tests.attack.endurance 1000`` attacks so many, and first as many small ones.
"""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.attack.campaign import Outcome, attack, attacks, summary


def main(surveys: int = 1000, first: int = 0) -> int:
    """Attack so many surveys of either size; the number of those of which something was learnt."""
    seeds = range(first, first + surveys)
    small, large = attacks(seeds), []
    for outcome in small:
        told(outcome)
    sys.stdout.write(f"small: {summary(small)}\n")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        for outcome in pool.map(attack, seeds):
            large.append(outcome)
            told(outcome)
    sys.stdout.write(f"large: {summary(large)}\n")
    return sum(bool(one.found) for one in (*small, *large))


def told(outcome: Outcome) -> None:
    """Print what was learnt of one survey."""
    for one in outcome.found:
        sys.stdout.write(f"survey {outcome.seed}: {one.attack}: {one.where}: {one.measure}: {one.learnt}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(min(main(*map(int, sys.argv[1:])), 1))
