"""A configuration and its plain data."""

from __future__ import annotations

from tagger.training.composing import compose
from tagger.training.config import TrainConfig, config_from_dict, config_to_dict, portable_config


def test_a_config_survives_as_plain_data() -> None:
    config = compose(["seed=5"])
    assert config_from_dict(config_to_dict(config)) == config
    assert config_from_dict(config_to_dict(TrainConfig())) == TrainConfig()


def test_the_portable_part_is_the_same_wherever_a_run_is_written() -> None:
    here, there = compose(["output=here"]), compose(["output=there", "tracking=mlflow"])
    assert portable_config(here) == portable_config(there) != portable_config(compose(["seed=5"]))
    assert not {"output", "tracking"} & portable_config(here).keys()
