"""Root without its right to overlook the modes of files, so that what is read-only is read-only for it, too."""

import ctypes
import os

VERSION_3 = 0x20080522
DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def obey_modes() -> None:
    """Give the two capabilities up, for good. Source: capabilities(7), capset(2).

    Raises:
        OSError: the kernel refuses.
    """
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(VERSION_3, 0), (_Data * 2)()
    if libc.capget(ctypes.byref(header), data) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    given_up = ~(1 << DAC_OVERRIDE | 1 << DAC_READ_SEARCH)
    for name in ("effective", "permitted"):
        setattr(data[0], name, getattr(data[0], name) & given_up)
    if libc.capset(ctypes.byref(header), data) != 0:
        raise OSError(ctypes.get_errno(), "capset")
