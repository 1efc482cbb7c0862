# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The structs, numbers and functions of imbrex_c.h for ctypes. imbrex.py makes objects of them.

One table, FUNCTIONS, declares every function; tests/runtime/c/binding_test.py holds it and the structs to the header.
"""
import ctypes
from ctypes import POINTER, c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, \
    c_void_p

MAX_RANK = 8
TYPES = ["bool", "i8", "i32", "i64", "f16", "bf16", "f32", "f64", "u8", "u32", "f8e4m3", "f8e5m2"]  # by imbrex_type
VIEW, INTEGER, REAL, BOOL = range(4)  # imbrex_argument_kind
ERROR_FIELDS = ["message", "everything", "call", "call_arguments", "driver_name", "driver_words", "report"]
INFO_FIELDS = ["ptx", "interface", "assembler_log", "repairs"]


class Sized(ctypes.Structure):
    """A struct that begins with its size."""

    def __init__(self, **fields):
        super().__init__(size=ctypes.sizeof(self), **fields)

    def values(self):
        return {name: getattr(self, name) for name, *_ in self._fields_ if name not in ("size", "reserved")}


class Diagnostic(Sized):
    _fields_ = [("size", c_uint32), ("severity", c_uint32), ("line", c_uint32), ("column", c_uint32),
                ("file", c_char_p), ("message", c_char_p), ("source_line", c_char_p)]


class DeviceInfo(Sized):
    _fields_ = [("size", c_uint32), ("simulated", c_uint32), ("id", c_char * 32), ("name", c_char * 256),
                ("target", c_char * 16), ("major", c_uint32), ("minor", c_uint32), ("driver_version", c_uint32),
                ("multiprocessors", c_uint32), ("threads_per_block", c_uint32), ("registers_per_block", c_uint32),
                ("shared_bytes_per_block", c_uint32), ("shared_bytes_per_block_opt_in", c_uint32),
                ("shared_bytes_per_multiprocessor", c_uint32), ("l2_bytes", c_uint32), ("clock_kilohertz", c_uint32),
                ("grid", c_uint32 * 3), ("memory_bytes", c_uint64)]


FOUND = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_char_p, c_size_t)  # imbrex_found
IMPORT = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_char_p, FOUND, c_void_p)  # imbrex_import


ALLOCATE = ctypes.CFUNCTYPE(c_uint64, c_void_p, c_size_t)  # imbrex_allocate
RELEASE = ctypes.CFUNCTYPE(None, c_void_p, c_uint64, c_size_t)  # imbrex_release
PROGRESS = ctypes.CFUNCTYPE(c_uint32, c_void_p, c_size_t, c_size_t, c_double, c_double, c_double)  # imbrex_progress


class RuntimeOptions(Sized):
    _fields_ = [("size", c_uint32), ("simulator_threads", c_uint32), ("device", c_char_p), ("target", c_char_p),
                ("cache_directory", c_char_p), ("cache_bytes", c_uint64), ("ptxas", c_char_p),
                ("ptxas_directories", c_char_p), ("temporary_directory", c_char_p),
                ("simulator_instructions", c_uint64), ("simulator_seed", c_uint32), ("reserved", c_uint32),
                ("packs", c_char_p), ("no_compile", c_uint32), ("loaded_kernels", c_uint32),
                ("import", IMPORT), ("import_data", c_void_p), ("allocate", ALLOCATE), ("release", RELEASE),
                ("allocator_data", c_void_p), ("assembles", c_uint32), ("ptxas_level", c_uint32),
                ("compiles_in_child", c_uint32), ("reserved2", c_uint32)]


class ViewStruct(Sized):
    _fields_ = [("size", c_uint32), ("type", c_int32), ("address", c_uint64), ("buffer", c_void_p),
                ("byte_offset", c_uint64), ("rank", c_uint32), ("read_only", c_uint32), ("extents", c_int64 * MAX_RANK),
                ("has_strides", c_uint32), ("reserved", c_uint32), ("strides", c_int64 * MAX_RANK)]


class ArgumentStruct(Sized):
    _fields_ = [("size", c_uint32), ("kind", c_int32), ("name", c_char_p), ("view", POINTER(ViewStruct)),
                ("integer", c_int64), ("real", c_double)]


class TuneOptions(Sized):
    _fields_ = [("size", c_uint32), ("budget_milliseconds", c_uint32), ("patience_milliseconds", c_uint32),
                ("threads", c_uint32), ("rounding", c_uint32), ("deterministic", c_uint32), ("again", c_uint32),
                ("reserved", c_uint32), ("progress", PROGRESS), ("progress_data", c_void_p)]


class CodeShape(Sized):
    _fields_ = [("size", c_uint32), ("shared_bytes", c_uint32), ("grid", c_uint32 * 3), ("block", c_uint32 * 3)]


class KernelNumbers(Sized):
    _fields_ = [("size", c_uint32), ("warps", c_uint32), ("shared_bytes", c_uint32), ("static_shared_bytes", c_uint32),
                ("registers", c_uint32), ("local_bytes", c_uint32), ("repairs", c_uint32), ("from_disk", c_uint32),
                ("machine_code_bytes", c_uint64)]


STRUCTS = {"imbrex_diagnostic": Diagnostic, "imbrex_device_info": DeviceInfo, "imbrex_runtime_options": RuntimeOptions,
           "imbrex_view": ViewStruct, "imbrex_argument": ArgumentStruct, "imbrex_tune_options": TuneOptions,
           "imbrex_code_shape": CodeShape, "imbrex_kernel_numbers": KernelNumbers}
CALLBACKS = {"imbrex_found": FOUND, "imbrex_import": IMPORT, "imbrex_allocate": ALLOCATE, "imbrex_release": RELEASE,
             "imbrex_progress": PROGRESS}

# "name: argument types -> result"; `!` for the result says: imbrex_error ** comes last, an imbrex_status is returned.
# `handle` is any pointer; `x*` a pointer to x.
FUNCTIONS = """
version: -> text
c_version: -> u32
status_name: i32 -> text
type_name: i32 -> text
type_size: i32 -> size
text_free: handle -> void
error_status: handle -> i32
error_text: handle i32 -> text
error_diagnostic_count: handle -> size
error_diagnostic: handle size Diagnostic* -> i32
error_free: handle -> void
list_devices: DeviceInfo* size size* -> !
runtime_open: RuntimeOptions* handle* -> !
runtime_free: handle -> void
runtime_device: handle DeviceInfo* -> !
runtime_messages: handle handle* -> !
runtime_synchronize: handle -> !
stream_create: handle handle* -> !
stream_create_with_priority: handle i32 handle* -> !
stream_wrap: handle handle handle* -> !
stream_raw: handle -> handle
stream_is_capturing: handle u32* -> !
stream_synchronize: handle -> !
stream_wait: handle handle -> !
stream_free: handle -> void
event_create: handle handle* -> !
event_wrap: handle handle handle* -> !
event_raw: handle -> handle
event_record: handle handle -> !
event_is_done: handle u32* -> !
event_synchronize: handle -> !
event_elapsed: handle handle float* -> !
event_free: handle -> void
buffer_allocate: handle size handle* -> !
buffer_address: handle -> u64
buffer_bytes: handle -> size
buffer_upload: handle size handle size handle -> !
buffer_download: handle size handle size handle -> !
buffer_copy: handle size handle size size handle -> !
buffer_fill: handle u8 handle -> !
buffer_fill32: handle u32 handle -> !
buffer_free: handle -> void
view_from_dlpack: handle handle i32 ViewStruct* -> !
buffer_to_dlpack: handle ViewStruct* i32 handle* -> !
module_load: handle text handle* -> !
module_load_source: handle text text size handle* -> !
shipped_name: size -> text
shipped_import: handle text text found handle -> void
module_load_shipped: handle text handle* -> !
module_kernel_count: handle -> size
module_kernel_name: handle size -> text
module_free: handle -> void
module_kernel: handle text handle* -> !
kernel_copy: handle handle* -> !
kernel_set_type: handle text i32 -> !
kernel_set_integer: handle text i64 -> !
kernel_set_text: handle text text -> !
kernel_hook: handle text text -> !
kernel_storage: handle text text -> !
kernel_set_deterministic: handle u32 -> !
kernel_set_programmatic: handle u32 -> !
kernel_signature: handle handle* -> !
kernel_free: handle -> void
kernel_launch: handle handle ArgumentStruct* size -> !
kernel_prepare: handle ArgumentStruct* size handle* -> !
kernel_readiness: handle ArgumentStruct* size i32* -> !
kernel_infer: handle ArgumentStruct* size handle* -> !
code_load: handle handle size handle* -> !
code_load_file: handle text handle* -> !
code_prepare: handle text u32 -> !
code_launch: handle handle text CodeShape* handle* -> !
code_free: handle -> void
kernel_bind: handle ArgumentStruct* size handle* -> !
bound_place: handle text u32* -> !
bound_set_view: handle u32 ViewStruct* -> !
bound_set_integer: handle u32 i64 -> !
bound_set_real: handle u32 double -> !
bound_launch: handle handle -> !
bound_free: handle -> void
graph_capture: handle handle work handle handle* -> !
graph_update: handle handle work handle u32* -> !
graph_launch_count: handle -> size
graph_launch_name: handle size -> text
graph_set: handle size handle ArgumentStruct* size -> !
graph_set_bound: handle size handle -> !
graph_set_code: handle size handle text CodeShape* handle* -> !
graph_launch: handle handle -> !
graph_free: handle -> void
kernel_tune: handle ArgumentStruct* size TuneOptions* handle* -> !
kernel_tune_in_background: handle ArgumentStruct* size TuneOptions* handle* -> !
tuning_is_done: handle -> u32
tuning_wait: handle handle* -> !
tuning_free: handle -> void
tuning_export: text text size* -> !
tuning_import: text text size* -> !
pack_kernels: text text size* -> !
info_get_numbers: handle KernelNumbers* -> !
info_text: handle i32 -> text
info_free: handle -> void
shapes_extent: handle text i64* -> !
shapes_type: handle text i32* -> !
shapes_view: handle text ViewStruct* -> !
shapes_free: handle -> void
"""

WORK = ctypes.CFUNCTYPE(c_int32, c_void_p)  # imbrex_work: a Python function, kept until it was called
WORDS = {"void": None, "work": WORK, "found": FOUND, "double": c_double, "handle": c_void_p, "text": c_char_p, "size": c_size_t, "float": c_float, "u8": c_uint8,
         "u32": c_uint32, "u64": c_uint64, "i32": c_int32, "i64": c_int64}
WORDS.update({struct.__name__: struct for struct in STRUCTS.values()})


def _type(word):
    return POINTER(_type(word[:-1])) if word.endswith("*") else WORDS[word]


def declarations():
    """{name without "imbrex_": (result type, argument types, whether it can fail)}."""
    table = {}
    for row in FUNCTIONS.split("\n"):
        if row:
            name, rest = row.split(":")
            arguments, result = rest.split("->")
            fallible = result.strip() == "!"
            types = [_type(word) for word in arguments.split()] + ([POINTER(c_void_p)] if fallible else [])
            table[name] = (c_int32 if fallible else _type(result.strip()), types, fallible)
    return table
