"""Studies: the paper's experiments, with the real tool and its simulator side by side."""
