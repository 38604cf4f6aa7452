"""The attack on many more surveys, every place, every shift remembered: ``python -m tests.attack.endurance 1000``."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.attack.campaign import attack, summary


def main(surveys: int = 1000, first: int = 0) -> int:
    """Attack so many surveys; the number of those of which something was learnt."""
    outcomes = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        for outcome in pool.map(partial(attack, thorough=True), range(first, first + surveys)):
            outcomes.append(outcome)
            for one in outcome.found:
                sys.stdout.write(f"survey {outcome.seed}: {one.attack}: {one.where}: {one.measure}: {one.learnt}\n")
                sys.stdout.flush()
    sys.stdout.write(summary(outcomes) + "\n")
    return sum(bool(one.found) for one in outcomes)


if __name__ == "__main__":
    sys.exit(min(main(*map(int, sys.argv[1:])), 1))
