from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from base_gtm.errors import ModelError
from base_gtm.tokenizer import SPECIALS, encode_offsets, encode_text, load_tokenizer, train_tokenizer

CODE = "int wrong_value = a[12] + b->c;\n\n    if (x >= 10) {\n\treturn  -1.5e-3f;\r\n}  // naïve \U0001f600\n"


def test_any_text_survives(tokenizer: Any) -> None:
    for text in (CODE, "", " ", "\n\n\t ", "<|spec|>x<|result|>", "日本語", "\x00\x7f", "a" * 500):
        assert tokenizer.decode(encode_text(tokenizer, text)) == text


def test_one_punctuation_or_digit_a_token(tokenizer: Any) -> None:
    for token in encode_text(tokenizer, CODE):
        text = tokenizer.decode([token])
        assert len(re.findall(r"[^\s\w]|\d", text)) <= 1, text
        assert not re.search(r"[A-Za-z]\s|[A-Za-z]_", text), text


def test_markers_are_single_tokens_in_order(tokenizer: Any) -> None:
    assert [encode_text(tokenizer, special) for special in SPECIALS] == [[index] for index in range(len(SPECIALS))]
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1)


def test_offsets_point_at_the_text(tokenizer: Any) -> None:
    text = CODE.encode("ascii", "ignore").decode()
    ids, offsets = encode_offsets(tokenizer, text)
    assert [tokenizer.decode([token]) for token in ids] == [text[start:end] for start, end in offsets]


def test_saved_beside_a_model_it_reads_as_before(tokenizer: Any, base: Any, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    base.model.save_pretrained(tmp_path)
    again = load_tokenizer(tmp_path)
    assert encode_text(again, CODE) == encode_text(tokenizer, CODE)
    others = AutoTokenizer.from_pretrained(tmp_path)
    assert encode_text(others, CODE) == encode_text(tokenizer, CODE)
    assert (again.eos_token, again.pad_token) == (tokenizer.eos_token, tokenizer.pad_token)


def test_same_texts_same_tokenizer() -> None:
    first, second = (train_tokenizer([CODE * 3], 300) for _ in range(2))
    assert first.get_vocab() == second.get_vocab()


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="vocab_size 100"):
        train_tokenizer(["a"], 100)
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{broken")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_tokenizer(tmp_path)
