"""The words that encrypt the pairing in a copy: long enough, and never repeated."""

from __future__ import annotations

import pytest

from appliance.config import Config, ConfigError, parse
from appliance.config.dumper import dump

SECRET = "four quiet kitchen words"


def test_the_words_are_read_as_written() -> None:
    config = parse(f'backup:\n  secret: "{SECRET}"\n', "tt.yaml")
    assert config.backup.secret == SECRET
    assert parse(dump(config), "tt.yaml") == config
    assert Config().backup.secret is None


def test_the_words_are_not_shown() -> None:
    config = parse(f'backup:\n  secret: "{SECRET}"\n', "tt.yaml")
    assert SECRET not in dump(config, for_eyes=True)
    assert SECRET not in repr(config)


@pytest.mark.parametrize("words", ["too few words", "w" * 201, "four quiet\\tkitchen words"])
def test_others_are_refused_without_repeating_them(words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f'backup:\n  secret: "{words}"\n', "tt.yaml")
    assert str(refused.value).startswith("tt.yaml:2: backup.secret: ")
    assert words.split("\\", maxsplit=1)[0] not in str(refused.value)
