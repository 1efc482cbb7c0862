# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""DLPack's Python capsules: opened, and made of a managed tensor that the library exported.

A capsule is named "dltensor" or "dltensor_versioned" until a consumer takes its tensor, and renames it.
"""
import ctypes
from ctypes import c_char_p, c_void_p

NAMES = [b"dltensor", b"dltensor_versioned"]
DELETER_OFFSET = [56, 16]  # in DLManagedTensor and DLManagedTensorVersioned


def _python(name, result, *arguments):
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


PyCapsule_New = _python("PyCapsule_New", ctypes.py_object, c_void_p, c_char_p, c_void_p)
PyCapsule_GetName = _python("PyCapsule_GetName", c_char_p, ctypes.py_object)
PyCapsule_GetPointer = _python("PyCapsule_GetPointer", c_void_p, ctypes.py_object, c_char_p)
_dying_is_valid = _python("PyCapsule_IsValid", ctypes.c_int, c_void_p, c_char_p)  # of a capsule without references
_dying_pointer = _python("PyCapsule_GetPointer", c_void_p, c_void_p, c_char_p)


def delete(pointer, versioned):
    deleter = c_void_p.from_address(pointer + DELETER_OFFSET[versioned]).value
    ctypes.CFUNCTYPE(None, c_void_p)(deleter)(pointer)


@ctypes.PYFUNCTYPE(None, c_void_p)
def _end_of_capsule(capsule):
    for versioned, name in enumerate(NAMES):
        if _dying_is_valid(capsule, name):  # else a consumer has taken, and renamed it
            delete(_dying_pointer(capsule, name), versioned)


def new_capsule(pointer, versioned):
    return PyCapsule_New(pointer, NAMES[versioned], ctypes.cast(_end_of_capsule, c_void_p))


def open_capsule(capsule):
    """The managed tensor's address, and whether it is versioned. The capsule keeps the tensor."""
    name = PyCapsule_GetName(capsule)
    if name not in NAMES:
        raise ValueError("a DLPack capsule named %r has been taken already, or is none" % name)
    return PyCapsule_GetPointer(capsule, name), NAMES.index(name)


CUDA = 2  # kDLCUDA


def capsule_of(tensor, stream):
    """A CUDA tensor's library is told the CUstream (a number) that is to wait for it; others take no stream."""
    device = getattr(tensor, "__dlpack_device__", None)
    order = {"stream": stream} if device and device()[0] == CUDA else {}
    try:
        return tensor.__dlpack__(max_version=(1, 0), **order)
    except TypeError:  # older than DLPack 1.0
        return tensor.__dlpack__(**order)
