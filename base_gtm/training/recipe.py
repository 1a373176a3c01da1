"""What gtm-nano is trained with: `make nano`, its small runs and its training on a GPU all read it here."""

NANO = ("--vocab-size", "4096", "--optimizer", "muon", "--learning-rate", "4e-3", "--prompt-share", "0.25")
"""Options of `base-gtm train --base new`; records and time are given beside them."""
