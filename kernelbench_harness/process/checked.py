"""The checked calls of a candidate, in its process: new values in old storage, poisoned memory, an eye on the means.

Guarantees: the second call gets its values in the storage of the first one's inputs, the tensors being the same
objects, so that nothing remembered by identity, address or shape is right; every other call gets new tensors. An output
is copied before anything else happens, and looked at again after it was checked and after the next call.
Not guaranteed: see `candidate_child.py`; this is the candidate's process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kernelbench_harness import tree
from kernelbench_harness.cheats.watch import Watch, dressed
from kernelbench_harness.compile import load
from kernelbench_harness.process import poison, steps
from kernelbench_harness.process.device import CPU, Device

if TYPE_CHECKING:
    import torch

    from kernelbench_harness.process.steps import Channel


class Checked:
    """Calls a model on one seed's inputs after another's and reports what it returned and what was seen."""

    def __init__(self, model: Any, job: dict[str, Any], channel: Channel, watch: Watch, to: Device = CPU) -> None:
        import torch

        self._to = to
        self._model, self._job, self._channel, self._watch = model, job, channel, watch
        self._equal = torch.equal
        self._before: tuple[int, Any, Any] | None = None
        """Seed, tree and arguments of the last call."""
        self._kept: tuple[int, Any, dict[str, torch.Tensor]] | None = None
        """Seed, output and its copy."""
        self._calls = 0

    def run(self, seed: int, raw: Any, tensors: dict[str, torch.Tensor]) -> None:
        """One call. Raises StageError when it fails or returns what is no output."""
        arguments = self._arguments(seed, raw, tensors)
        steps.seed_all(seed)
        self._to.poison(2 * (self._job["output_bytes"] + sum(value.nbytes for value in tensors.values())))
        self._to.forget()
        poison.on()
        load.watch_bounds(True)
        try:
            with self._watch.looking():
                result = steps.guarded("run", self._job["path"], lambda: self._done(self._model(*arguments)))
        finally:
            load.watch_bounds(False)
            poison.off()
        form, copies = steps.copied(result, self._to.name)
        changed = not steps.unchanged(arguments, raw, tensors, self._equal)
        seen = self._watch.seen() | {"after": self._after(result, copies), "overwritten": self._overwritten()}
        self._kept = (seed, result, copies)
        self._before = (seed, raw, arguments)
        self._calls += 1
        steps.send_outputs(
            form, copies, f"outputs_{seed}.safetensors", self._job, self._channel, seed=seed, changed=changed, seen=seen
        )

    def _done(self, result: Any) -> Any:
        """Waits for the device: what a kernel meets is met within the call that started it."""
        self._to.settle()
        return result

    def _arguments(self, seed: int, raw: Any, tensors: dict[str, torch.Tensor]) -> Any:
        fresh = tree.decode(raw, tensors)
        if self._calls != 1 or self._before is None or self._before[1] != raw:
            return fresh
        old = self._before[2]
        pairs = list(zip(tree.flatten(old), tree.flatten(fresh), strict=True))
        if not all(_alike(one, other) for one, other in pairs):
            return fresh
        if self._kept is not None and _shares(self._kept[1], [one for one, _ in pairs]):
            self._kept = None  # its values are about to go, rightly
        for one, other in pairs:
            one.copy_(other)
        return old

    def _overwritten(self) -> list[str]:
        """Whether this call changed what an earlier one had returned: a reference's outputs keep their values."""
        if self._kept is None or self._same(self._kept[1], self._kept[2]):
            return []
        return [f"the output of an earlier call (seed {self._kept[0]}) changed when forward was called again"]

    def _after(self, result: Any, copies: dict[str, torch.Tensor]) -> list[str]:
        """What went on after forward had returned, one line each."""
        found = self._watch.threads()
        for value in tree.flatten(result):
            names = dressed(value)
            if names:
                found.append(f"the output carries methods of its own ({', '.join(sorted(names)[:5])})")
        if not self._same(result, copies):
            found.append("the output changed after forward had returned")
        return found

    def _same(self, result: Any, copies: dict[str, torch.Tensor]) -> bool:
        _, now = steps.copied(result, self._to.name)
        return len(now) == len(copies) and all(
            now[name].shape == copies[name].shape and tree.same_bits(now[name], copies[name], self._equal)
            for name in copies
        )


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return type(one) is type(other) and one.shape == other.shape and one.dtype == other.dtype and one.is_contiguous()


def _shares(result: Any, tensors: list[torch.Tensor]) -> bool:
    """Whether an output lies in the storage of one of these."""
    storages = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    return any(value.untyped_storage().data_ptr() in storages for value in tree.flatten(result))


def guard(check: Callable[[], list[str]], report: Callable[[list[str]], None]) -> Callable[[], None]:
    """A step that ends the process, telling the parent why, when something that the judge uses was replaced."""

    def step() -> None:
        found = check()
        if found:
            report(found)

    return step
