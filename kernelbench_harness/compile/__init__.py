"""From a captured `load_inline` or `load` request to a library, exact and fast.

    capture.py      replaces torch's functions in the candidate's process and sends the request out (sources.py: files)
    request.py      the request and its result, JSON both ways, validated because they come from a hostile process
    build.py        the verdict: shim first, then some of the real headers (middle.py), then all of them
    front_end.py    the same verdict without code, in half a CPU second; bindings.py: what it need not read
    host.py         one C++ unit through g++; device.py one .cu unit through nvcc; linking.py what follows
    guards.py, independent.py, front_end_errors.py     when the shim's yes, and its no, count
    results.py      the cache; objects.py: compiled sets for another machine
    load.py         the library as a module again, in the candidate's process

The shim (`shim/`) is our own torch/extension.h, for g++ and nvcc. It is a fast path, never an authority: what it
accepts passes guards against constructs that the real headers would judge otherwise, what it rejects counts only when
the error is shown to be independent of the headers. `KBSHIM` names belong to it.
"""
