"""Settings as people type them: Chinese names, spaces and signs that Hydra's grammar does not know."""

from __future__ import annotations

import pytest

from tagger.training.composing import compose
from tagger.training.overrides import readable_overrides


@pytest.mark.parametrize(
    "path",
    ["通报/数据.csv", "my data.csv", "a(1).csv", "~/x.csv", "a=b.csv", "x#1.csv", "it's.csv", "C:\\数据\\x.csv",
     "a'b\\'c.csv", "数据\\", "2020.csv", "/tmp/x.csv", "[x].csv", "{x}.csv"],
)  # fmt: skip
def test_a_path_is_taken_as_it_is_written(path: str) -> None:
    assert compose([f"data.corpus={path}"]).data.corpus == path


@pytest.mark.parametrize("override", ["seed=3", "model=tfidf,bert", "model.signals=[text,title]", "~augmentation",
                                      "data.corpus='已有引号'", "+x=null", "=", "x", "数据=x"])  # fmt: skip
def test_what_hydra_reads_or_quotes_do_not_mend_stays(override: str) -> None:
    assert readable_overrides([override]) == [override]
