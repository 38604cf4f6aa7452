"""What does the mask of the demo hide, by both methods, and how long does it take to solve?

Complementary suppression (used) beside cell-key noise (the alternative): figures lost to the rules, figures hidden
beside them, and how far noise moves what it leaves; by table.
"""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from app import settings
from app.workflow import fieldwork, publishing, reducing
from app.workflow.demo import SURVEY, TITLE, WAVES, WHO
from app.workflow.describing import framework, lattice
from scoring.mask import noise
from scoring.mask.publication import publish
from surveys import simulate
from surveys.reading import Limits
from surveys.store import open_store

AT = datetime(2026, 11, 1, tzinfo=UTC)


def main() -> None:
    questionnaire = fieldwork.instrument("traveller")
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/demo.db")
        for wave in WAVES:
            path = Path(folder) / f"{wave}.csv"
            simulate.draw(questionnaire, truth, wave=wave, seed=int(wave)).to_csv(path, index=False, sep=";")
            view = fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits())
            fieldwork.store_file(
                path, view, store=store, survey_id=SURVEY, wave=wave, who=WHO, at=AT, title=TITLE, synthetic=True
            )
        totals, _ = reducing.totals_of(store, SURVEY, WAVES, at=AT)
        store.close()
    plan = lattice(fieldwork.instrument("traveller"))
    start = time.perf_counter()
    made = publish(totals, framework("traveller"), plan)
    seconds = time.perf_counter() - start
    shares = [part.code for part in framework("traveller").indicators if part.statistic == "share"]
    with pd.option_context("display.width", 160, "display.float_format", "{:.3f}".format):
        print(
            f"\nComplementary suppression, all figures, solved in {seconds:.1f} s\n{made.loss.to_string(index=False)}"
        )
        own = publishing.loss_of(made.mask[made.mask["measure"].isin(shares)])
        print(f"\nComplementary suppression, shares alone\n{own.to_string(index=False)}")
        noisy = noise.loss(noise.perturbed(totals, framework("traveller"), plan, key=b"benchmark of the mask"), plan)
        print(f"\nCell-key noise, shares\n{noisy.to_string(index=False)}")


if __name__ == "__main__":
    main()
