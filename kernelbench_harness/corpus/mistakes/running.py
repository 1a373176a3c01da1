"""Mistakes that compile and are expected to fail when they run: crashes, exceptions, loops without an end."""

from __future__ import annotations

import re
from random import Random

from kernelbench_harness.corpus.mistakes.base import (
    Mistake,
    at_matches,
    at_sites,
    drop_line,
    first_of,
    in_source,
    over,
    pick,
)
from kernelbench_harness.corpus.text import Draft, Edit, Site


def _far(old: str, site: Site, rng: Random) -> str | None:
    factor = rng.choice(("1000000", "1048576", "40000000"))
    return rng.choice((f"({old}) * {factor}", f"{old} - {factor}", f"{old} + {factor}00")) if "[" not in old else None


def _far_write(draft: Draft, rng: Random) -> Edit | None:
    sites = [index for target in draft.of("target") for index in draft.inside(target, "index")]
    edits: list[Edit | None] = []
    for site in sites or draft.of("index"):
        new = _far(draft.at(site), site, rng)
        edits.append(over(site, new) if new else None)
    return pick(rng, edits)


_null = at_sites("pointed", change=lambda old, site, rng: "(float*)nullptr" if "float" in old else None)


def _wrong_check(draft: Draft, rng: Random) -> Edit | None:
    """A check that every good input fails: the mistake of an author who has another layout or device in mind."""
    edits: list[Edit | None] = []
    # The device that the inputs are not on: a CUDA candidate's are on the GPU.
    wrong = "{}.device().is_cpu()" if "__global__" in draft.text else "{}.is_cuda()"
    for site in draft.of("checked"):
        old = draft.at(site)
        tensor = old.split(".")[0]
        if "dim()" in old:
            rank = int(old.rsplit(" ", 1)[1])
            edits.append(
                over(
                    site,
                    rng.choice((f"{tensor}.dim() == {rank % 4 + 1}", f"{tensor}.dim() > {rank}", wrong.format(tensor))),
                )
            )
        else:
            edits.append(over(site, rng.choice((f"{tensor}.scalar_type() == torch::kFloat64", wrong.format(tensor)))))
    if edits:
        return pick(rng, edits)
    names = draft.of("size", "allocation")
    tensors = re.findall(r"Tensor&? (\w+)[,)]", draft.text)
    if not names or not tensors:
        return None
    start, _ = draft.line_span(names[0].start)
    pad = draft.text[start : names[0].start]
    tensor = rng.choice(tensors)
    test = rng.choice((wrong.format(tensor), f"{tensor}.numel() % 1024 == 7", f"!{tensor}.is_contiguous()"))
    return Edit(start, start, f'{pad}TORCH_CHECK({test}, "unsupported input {tensor}");\n')


def _python_count(old: str, site: Site, rng: Random) -> str | None:
    parts = [part.strip() for part in old.split(",")]
    if rng.random() < 0.5 and len(parts) > 1:
        parts.pop(rng.randrange(len(parts)))
        return ", ".join(parts)
    return f"{old}, {rng.choice((parts[0] + '.size(0)', '1e-5', 'None', parts[-1]))}"


def _attribute(old: str, site: Site, rng: Random) -> str | None:
    stem, dot, leaf = old.rpartition(".")
    ways = (
        f"{old}s",
        f"{stem}{dot}{leaf}_",
        f"_{old}",
        "layer." + leaf,
        old.replace("_", "", 1),
        f"{old}_tensor",
        f"fc{dot}{leaf}",
    )
    return rng.choice(ways)


def _python_name(old: str, site: Site, rng: Random) -> str | None:
    return rng.choice((f"{old}_forward", "forward", f"{old}_cpu", f"{old}_kernel", f"run_{old}"))


def _no_advance(old: str, site: Site, rng: Random) -> str | None:
    return "" if old else None


def _other_counter(draft: Draft, rng: Random) -> Edit | None:
    """`for (k ...; ++j)`: the counter of the loop around is advanced."""
    sites, names = draft.of("advance"), [draft.at(site) for site in draft.of("loopname")]
    rng.shuffle(sites)
    for site in sites:
        old = draft.at(site)
        own = re.findall(r"\w+", old)[:1]
        loops = [loop for loop in draft.of("loop") if loop.start <= site.start < loop.end]
        around = [
            draft.at(name) for loop in loops for name in draft.inside(loop, "loopname") if name.start < site.start
        ]
        other = [name for name in around if own and name != own[0] and name in names]
        if other and own:
            return over(site, old.replace(own[0], rng.choice(other)))
    return None


def _zero_division(draft: Draft, rng: Random) -> Edit | None:
    sizes = draft.of("size")
    if not sizes:
        return None
    site = rng.choice(sizes)
    found = re.search(r"(\w+) = ", draft.at(site))
    if not found:
        return None
    start, end = draft.line_span(site.start)
    pad, size = draft.text[start : site.start], found.group(1)
    pad = pad[: len(pad) - len(pad.lstrip())] or re.match(r" *", draft.text[start:]).group()  # type: ignore[union-attr]
    # Harmless where the size is large enough: what it does depends on the shapes.
    block = rng.choice(("4", "32", "256", "4096", "65536", "1000000"))
    # A CUDA launch has its own `blocks`: a second one would break compiling instead.
    count = "chunks" if "__global__" in draft.text else "blocks"
    lines = (
        f'{pad}const int64_t {count} = {size} / {block};\n{pad}TORCH_CHECK({size} / {count} >= 0, "bad block size");\n'
    )
    return Edit(end, end, lines)


def _exception(draft: Draft, rng: Random) -> Edit | None:
    """A call that throws whatever it is given: a view that does not fit, a dimension that is not there."""
    edits: list[Edit | None] = []
    for site in draft.of("returned"):
        if in_source(draft, site):
            old = draft.at(site)
            edits.append(
                over(
                    site,
                    rng.choice(
                        (f"{old}.view({{3, -1, 7}})", f"{old}.reshape({{1, 2, 3}})", f"{old}.select(0, 1 << 20)")
                    ),
                )
            )
    for site in draft.of("axis"):
        edits.append(over(site, str(int(draft.at(site)) + rng.choice((3, 4)))))
    return pick(rng, edits)


_dtype_pointer = at_matches(
    r"auto\* (\w+) = (\w+)\.data_ptr<float>\(\)",
    lambda match, rng: match.group().replace("<float>", f"<{rng.choice(('double', 'int', 'at::Half'))}>"),
)
_accessor_rank = at_sites(
    "template", change=lambda old, site, rng: f"{old[:-1]}{int(old[-1]) % 4 + 1}" if ", " in old else None
)

RUNNING: tuple[Mistake, ...] = (
    Mistake("far_write", "runtime", _far_write, 1.2),
    Mistake("null_pointer", "runtime", _null, 0.6, ("cpp",)),
    Mistake("wrong_check", "runtime", _wrong_check, 1.2),
    Mistake(
        "python_argument_count",
        "runtime",
        at_sites("python_arguments", change=_python_count),
        1.2,
        ("cpp", "cuda", "triton"),
    ),
    Mistake(
        "python_attribute", "runtime", at_sites("python_attribute", change=_attribute), 0.8, ("cpp", "cuda", "triton")
    ),
    Mistake("python_function", "runtime", at_sites("python_function", change=_python_name), 0.6),
    Mistake("infinite_loop", "runtime", at_sites("advance", change=_no_advance), 0.35, ("cpp",)),
    Mistake("other_counter", "runtime", _other_counter, 0.35, ("cpp",)),
    Mistake("integer_division_by_zero", "runtime", _zero_division, 0.7),
    Mistake("exception", "runtime", _exception, 1.0),
    Mistake("wrong_dtype_pointer", "runtime", first_of(_dtype_pointer, _accessor_rank), 0.8, ("cpp",)),
    Mistake("missing_return", "runtime", drop_line("return"), 0.6),
    Mistake(
        "init_signature",
        "runtime",
        at_sites(
            "init_parameters",
            change=lambda old, site, rng: f"{old}, scale" if rng.random() < 0.5 else old.rpartition(", ")[0] or None,
        ),
        0.5,
        ("cpp", "cuda", "triton"),
    ),
)
