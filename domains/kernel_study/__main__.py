"""`python -m domains.kernel_study cpp`: time the references of a domain's study on this machine.

Fills `study_times.json` in the domain's folder; for maintainers, on the machine that the domain's labels come from.
"""

import sys

from adapt.errors import AdaptError
from adapt.registry import find
from domains.kernel_study import KernelTask


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    try:
        if len(arguments) != 1:
            raise AdaptError("give one kernel domain: python -m domains.kernel_study cpp")
        domain = find(arguments[0]).domain
        task = domain.study() if domain.study else None
        if not isinstance(task, KernelTask):
            raise AdaptError(f"domain {domain.name} has no kernel study")
        print(f"{task.measure()} reference times in {task.root}")
    except AdaptError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
