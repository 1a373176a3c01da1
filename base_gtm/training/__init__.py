"""Supervised fine-tuning of a base on records of tool calls: from scratch, all weights, or an adapter.

Reading order: options, records, dataset, weights, loss, schedule, checkpoints, trainer, validation, card, run.
"""
