"""In the confined child: takes the one job that it was forked for, does it, and ends."""

from __future__ import annotations

import os

from kernelbench_harness.process import steps


def main(receive: int, send: int) -> None:
    """Announces that the sandbox is up, takes the job, does it, and ends the process without any clean-up."""
    channel = steps.Channel(receive, send)
    job = channel.ask("entered")
    try:
        if job["kind"] == "reference":
            from kernelbench_harness.process.reference_child import run
        elif job["kind"] == "probe":
            from kernelbench_harness.process.probe_child import run
        elif job["kind"] == "retime":
            from kernelbench_harness.process.retime_child import run
        else:
            from kernelbench_harness.process.candidate_child import run
        run(job, channel)
        channel.send("done")
    except steps.StageError as error:
        _fail(channel, error.stage, error.summary, error.text)
    except Exception as error:  # where our own steps met something that a candidate prepared for them
        summary = steps.summary_of(error)
        _fail(channel, "run", summary, summary)
    os._exit(0)


def _fail(channel: steps.Channel, stage: str, summary: str, text: str) -> None:
    fields = {"summary": steps.clip(summary, 2000), "text": steps.clip(text, steps.ERROR_LIMIT)}
    channel.send("failed", stage=stage, **fields)
