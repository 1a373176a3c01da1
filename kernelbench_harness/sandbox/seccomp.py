"""A system call filter: what no kernel needs and a hostile one might want.

Guarantees: the filtered calls fail with EPERM (clone3 with ENOSYS, so that the C library falls back to clone, whose
flags a filter can read); a call of a foreign architecture kills the process. Children inherit the filter.
Not guaranteed: it is a list of what is denied, so a call newer than this list passes; Landlock, the user id and the
resource limits stand behind it.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable

from kernelbench_harness.sandbox import kernel

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}

# name: (x86_64, aarch64), None where the architecture has no such call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # network, and the ways around a filter on it
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "setsid": (112, 157), "setpgid": (109, 154), "migrate_pages": (256, 238), "move_pages": (279, 239),
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    # the kernel itself
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "syslog": (103, 116), "acct": (163, 89), "swapon": (167, 224), "swapoff": (168, 225), "fanotify_init": (300, 262),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "uselib": (134, None),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58), "lookup_dcookie": (212, 18),
    # memory and names that outlive a process or escape its limits
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "mlockall": (151, 230),
    # the scheduler: a candidate stays on its core at its priority
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "sched_setparam": (142, 118), "setpriority": (141, 140), "ioprio_set": (251, 30),
}  # fmt: skip
DRIVER = frozenset({"memfd_create", "socketpair", "sched_setaffinity"})
"""Denied calls that some releases of the GPU's driver make; none of them reaches another process or the network."""
_NO_FORK: dict[str, tuple[int | None, int | None]] = {"fork": (57, None), "vfork": (58, None)}
_NO_EXEC: dict[str, tuple[int | None, int | None]] = {"execve": (59, 221), "execveat": (322, 281)}
_SELF_ONLY: dict[str, tuple[int | None, int | None]] = {
    "kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
}  # fmt: skip
_NO_SIGNAL: dict[str, tuple[int | None, int | None]] = {
    "tkill": (200, 130), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
}  # fmt: skip
_FALLOCATE = (285, 47)
"""One call takes all of the disk before anybody has looked; without it the C library writes block by block."""
_CLONE, _CLONE3, _PRLIMIT = (56, 220), 435, (302, 261)
_CLONE_THREAD = 0x00010000
_CLONE_NEW_NAMESPACES = 0x7E020000

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS, _EOPNOTSUPP = 1, 38, 95
_NUMBER, _ARCH, _ARGUMENT_0 = 0, 4, 16


def available() -> bool:
    """Whether this kernel takes filters and this architecture has a table here."""
    if kernel.MACHINE not in _AUDIT_ARCH:
        return False
    try:
        action = ctypes.c_uint32(_ERRNO)
        kernel.syscall("seccomp", _SECCOMP[kernel.MACHINE], 2, 0, ctypes.byref(action))
    except OSError:
        return False
    return True


def _op(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", code, true, false, value)


def _numbers(table: dict[str, tuple[int | None, int | None]]) -> Iterable[int]:
    column = 0 if kernel.MACHINE == "x86_64" else 1
    return [row[column] for row in table.values() if row[column] is not None]  # type: ignore[misc]


def program(pid: int, *, processes: bool, execute: bool, spared: frozenset[str] = frozenset()) -> bytes:
    """The filter as BPF instructions: `pid` may signal itself alone unless `processes` are allowed; calls that are
    `spared` by name are not denied."""
    column = 0 if kernel.MACHINE == "x86_64" else 1
    ops = [
        _op(_LOAD, _ARCH),
        _op(_EQUAL, _AUDIT_ARCH[kernel.MACHINE], 1, 0),
        _op(_RETURN, _KILL),
        _op(_LOAD, _NUMBER),
        _op(_AT_LEAST, 0x40000000, 0, 1),  # the x32 calls of x86_64, which would pass under other numbers
        _op(_RETURN, _ERRNO | _ENOSYS),
        _op(_EQUAL, _CLONE3, 0, 1),
        _op(_RETURN, _ERRNO | _ENOSYS),
    ]
    denied = list(_numbers({name: row for name, row in _DENIED.items() if name not in spared}))
    if not processes:
        denied += [*_numbers(_NO_FORK), *_numbers(_NO_SIGNAL)]
    if not execute:
        denied += _numbers(_NO_EXEC)
    for number in denied:
        ops += [_op(_EQUAL, number, 0, 1), _op(_RETURN, _ERRNO | _EPERM)]
    ops += [_op(_EQUAL, _FALLOCATE[column], 0, 1), _op(_RETURN, _ERRNO | _EOPNOTSUPP)]
    # clone: threads only, or processes but no namespaces; the arms differ in which answer the bits mean.
    bits, on_bits, off_bits = (_CLONE_NEW_NAMESPACES, _ERRNO | _EPERM, _ALLOW)
    if not processes:
        bits, on_bits, off_bits = (_CLONE_THREAD, _ALLOW, _ERRNO | _EPERM)
    ops += _on_argument(_CLONE[column], _op(_ANY_BIT, bits, 0, 1), on_bits, off_bits)
    if not processes:
        for number in _numbers(_SELF_ONLY):
            ops += _on_argument(number, _op(_EQUAL, pid, 0, 1), _ALLOW, _ERRNO | _EPERM)
    ops += _on_argument(_PRLIMIT[column], _op(_EQUAL, 0, 0, 1), _ALLOW, _ERRNO | _EPERM)
    ops.append(_op(_RETURN, _ALLOW))
    return b"".join(ops)


def _on_argument(number: int, test: bytes, if_true: int, if_false: int) -> list[bytes]:
    """For call `number`: `test` on the low word of its first argument decides; other calls go on."""
    return [_op(_EQUAL, number, 0, 4), _op(_LOAD, _ARGUMENT_0), test, _op(_RETURN, if_true), _op(_RETURN, if_false)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def install(*, processes: bool, execute: bool, pid: int, spared: frozenset[str] = frozenset()) -> None:
    """Filters the calling thread and its children for good; needs no_new_privs."""
    code = program(pid, processes=processes, execute=execute, spared=spared)
    filters = _Program(len(code) // 8, code)
    kernel.syscall("seccomp", _SECCOMP[kernel.MACHINE], 1, 0, ctypes.byref(filters))
