"""A configuration and its plain data."""

from __future__ import annotations

import pytest

from tagger.training.composing import compose
from tagger.training.config import TrainConfig, config_from_dict, config_to_dict, portable_config
from tagger.training.model_config import BertConfig


def test_a_config_survives_as_plain_data() -> None:
    config = compose(["seed=5"])
    assert config_from_dict(config_to_dict(config)) == config
    assert config_from_dict(config_to_dict(TrainConfig())) == TrainConfig()


def test_the_portable_part_is_the_same_wherever_a_run_is_written() -> None:
    here, there = compose(["output=here"]), compose(["output=there", "tracking=mlflow"])
    assert portable_config(here) == portable_config(there) != portable_config(compose(["seed=5"]))
    assert not {"output", "tracking"} & portable_config(here).keys()


def test_a_tilde_is_the_home_folder_in_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/云溪")
    config = compose(["model=bert", "output='~/runs/a b'", "split.file='~/split.json'", "model.lexicon='~/w.yaml'",
                      "tracking.store='~/runs.db'"])  # fmt: skip
    assert (config.output, config.split.file) == ("/home/云溪/runs/a b", "/home/云溪/split.json")
    assert isinstance(config.model, BertConfig)
    assert (config.model.lexicon, config.tracking.store) == ("/home/云溪/w.yaml", "/home/云溪/runs.db")
