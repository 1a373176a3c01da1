"""What gtm-nano is trained with: `make nano`, its small runs and its training on a GPU all read it here.

Options of `base-gtm train`; base, records and time are given beside them.
"""

NANO = ("--vocab-size", "4096", "--optimizer", "muon", "--learning-rate", "4e-3", "--prompt-share", "0.25")
"""From nothing."""
NANO_ON = (
    "--optimizer",
    "muon",
    "--learning-rate",
    "3e-3",
    "--prompt-share",
    "0.25",
    "--renamed",
    "0.5",
    "--structure-weight",
    "1",
)
"""From there on, for a base that knows values: half of the tools under other names, whose writing counts as values do
with a tenth of their weight, so that names are read off the spec."""
