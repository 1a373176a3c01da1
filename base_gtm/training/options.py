"""Options of `base-gtm train`, checked where they are made."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path

from base_gtm.errors import DataError
from base_gtm.prompt import PROMPT_TOKENS

NEW = "new"
FULL, LORA, QLORA = "full", "lora", "qlora"
METHODS = (FULL, LORA, QLORA)
VALUES, COMPLETION, ALL = "values", "completion", "all"
LOSSES = (VALUES, COMPLETION, ALL)
ADAMW, MUON = "adamw", "muon"
OPTIMIZERS = (ADAMW, MUON)

_POSITIVE = ("batch", "accumulate", "epochs", "learning_rate", "rank", "max_tokens", "max_completion", "save_steps")
_POSITIVE_OR_LEFT_OUT = ("steps", "minutes", "save_minutes", "alpha", "intermediate_size")
_NOT_NEGATIVE = ("weight_decay", "prompt_weight", "structure_weight", "value_weight", "validate_steps", "threads")
_SEEDS = 1 << 32
"""NumPy takes so many."""


@dataclass(frozen=True)
class TrainOptions:
    """One field an option of `base-gtm train`."""

    out: Path
    """Folder to write."""
    base: str = NEW
    """What training starts from: new (a fresh tokenizer and random weights), nano, a folder with safetensors, a hub
    id."""
    carg: tuple[Path, ...] = ()
    """Folder of base-gtm carg generate; may be given again."""
    records: tuple[Path, ...] = ()
    """File of records, JSON lines; may be given again."""
    all_tools: bool = False
    """Learn from the tools too that are otherwise held out, by field, to judge on."""
    renamed: float = 0.0
    """Share of the training records of CARG whose parameters and fields get other names: a base that always meets the
    same ones does not learn to read them off the spec."""
    validation: tuple[Path, ...] = ()
    """Records to measure on alone: a file of JSON lines or a folder as for --carg."""
    validation_share: float = 0.01
    """Share of the training records that is kept aside to measure on."""
    validate_steps: int = 500
    """Measure on a part of them every so many steps; 0: on all of them at the end alone."""
    method: str = FULL
    """Which weights are learnt: full (all of them), lora (an adapter), qlora (an adapter, the base in 4 bits)."""
    rank: int = 16
    """Rank of an adapter."""
    alpha: int | None = None
    """Its scale times its rank; twice the rank unless given."""
    dropout: float = 0.0
    """Dropout of an adapter."""
    hidden_size: int = 128
    """Of a new base."""
    layers: int = 4
    """Of a new base."""
    heads: int = 4
    """Query heads of a new base; of an even number two share a key-value head."""
    intermediate_size: int | None = None
    """Inner width of a new base; three times the outer one unless given."""
    vocab_size: int = 2048
    """Tokens of a new base's tokenizer."""
    max_tokens: int = PROMPT_TOKENS
    """Longest prompt; a longer one loses its oldest turns, then the middles of its argument blocks."""
    max_completion: int = 512
    """Longest answer in tokens; a record with a longer one is left out."""
    loss: str = VALUES
    """What counts: values (every token, the free ones of an answer most), completion (the answer's tokens alike), all
    (every token alike)."""
    value_weight: float = 10.0
    """Weight under --loss values of an answer's token that decoding chooses."""
    structure_weight: float = 0.1
    """Weight under --loss values of an answer's token that the schema forces."""
    prompt_weight: float = 0.1
    """Weight under --loss values of a prompt's token."""
    prompt_share: float = 1.0
    """Share of the prompts' tokens that count, drawn; they weigh so much more. A quarter makes a training on a CPU half
    as long again faster."""
    packing: bool = False
    """Put several records into one sequence, none seeing another: less padding where lengths differ much."""
    rising: bool = False
    """Short records first, of those that an epoch learns from, in place of a shuffled order."""
    batch: int = 16
    """Sequences a step on each device."""
    accumulate: int = 1
    """Batches whose gradients are added before an update."""
    epochs: float = 1.0
    """Passes over the records at most."""
    steps: int | None = None
    """Updates in place of --epochs."""
    minutes: float | None = None
    """Wall time of training at most, resumed runs counted together; the learning rate then falls with the time."""
    learning_rate: float = 3e-3
    """Highest learning rate: 3e-3 suits all weights of a million parameters, 2e-4 an adapter of a billion, 2e-5 all
    their weights."""
    optimizer: str = ADAMW
    """adamw, or muon for all weights: fewer tokens to the same loss, at the price of some matrix products a step."""
    weight_decay: float = 0.05
    """Weight decay of matrices; adapters have none."""
    bf16: bool = False
    """Mixed precision in bfloat16, for a GPU or a CPU that computes in it."""
    checkpointing: bool = False
    """Recompute activations rather than keep them: a third slower, much less memory."""
    save_steps: int = 200
    """A checkpoint every so many steps, and no later than where the loss is next logged."""
    save_minutes: float | None = None
    """A checkpoint after so many minutes in place of --save-steps."""
    seed: int = 0
    """Of random weights and of the order of the records."""
    wandb: str | None = None
    """Project of Weights & Biases; without a key the run stays in --out, offline."""
    threads: int = 0
    """CPU threads; 0 leaves torch's choice."""

    def __post_init__(self) -> None:
        for name, known in (("method", METHODS), ("loss", LOSSES), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in known:
                raise DataError(f"--{name} '{getattr(self, name)}': known are {', '.join(known)}")
        for name in (*_POSITIVE, *_POSITIVE_OR_LEFT_OUT):
            value = getattr(self, name)
            if not (value is None and name in _POSITIVE_OR_LEFT_OUT) and not 0 < value < inf:
                raise DataError(f"{_flag(name)} {value}: give a finite number above zero")
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < inf:
                raise DataError(f"{_flag(name)} {getattr(self, name)}: give a finite number, zero or more")
        if not 0 <= self.seed < _SEEDS:
            raise DataError(f"--seed {self.seed}: give a number from 0 to {_SEEDS - 1}")
        for name in ("validation_share", "dropout", "renamed"):
            if not 0 <= getattr(self, name) < 1:
                raise DataError(f"{_flag(name)} {getattr(self, name)}: give a share from 0 to below 1")
        if not 0 < self.prompt_share <= 1:
            raise DataError(f"--prompt-share {self.prompt_share}: give a share above 0, at most 1")
        if self.rising and self.packing:
            raise DataError("--rising: packed sequences are all of one length; leave out --packing")
        if self.rising and self.minutes:
            raise DataError("--rising: under --minutes nobody knows how many records there will be; give --steps")
        if self.optimizer == MUON and self.method != FULL:
            raise DataError(f"--optimizer muon: learns all weights, not an adapter's; leave out --method {self.method}")
        if self.base == NEW:
            self._check_new()
        if not (self.carg or self.records):
            raise DataError("nothing to learn from: give --carg FOLDER or --records FILE")
        if self.loss == VALUES and not (self.value_weight or self.structure_weight or self.prompt_weight):
            raise DataError("--loss values: all three weights are zero; give one of them")

    def _check_new(self) -> None:
        if self.method != FULL:
            raise DataError(f"--method {self.method}: an adapter needs a trained base; name one with --base")
        for name in ("hidden_size", "layers", "heads", "vocab_size"):
            if not getattr(self, name) > 0:
                raise DataError(f"{_flag(name)} {getattr(self, name)}: give a number above zero")
        if self.hidden_size % (2 * self.heads):
            raise DataError(
                f"--hidden-size {self.hidden_size} --heads {self.heads}: the size must be an even multiple of the heads"
            )

    @property
    def weights(self) -> tuple[float, float, float]:
        """Of a value token, a structure token, a prompt token."""
        chosen = (self.value_weight, self.structure_weight, self.prompt_weight)
        return {VALUES: chosen, COMPLETION: (1.0, 1.0, 0.0), ALL: (1.0, 1.0, 1.0)}[self.loss]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
