# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""imbrex_c.h for Python, for tests and benchmarks: ctypes and the standard library only.

    library = imbrex.Library("libimbrex.so")                      # the path is the caller's to give
    with library.open("sim:h200") as runtime:
        kernel = runtime.load("vector_add.tile").kernel()
        x, y, z = (imbrex.View(runtime.allocate(4 * n), "f32", [n]) for _ in range(3))
        kernel.launch({"X": x, "Y": y, "Z": z, "alpha": 0.5})
        run = kernel.bind({"X": x, "Y": y, "Z": z})               # a launch costs one foreign call
        run(); run()

An argument is a View, a number, or anything with __dlpack__ (a CUDA tensor of another library). Views and bound
arguments keep what they point to alive. What fails raises ImbrexError. Library.call reaches every function
of imbrex_c.h by its name. As thread-safe as imbrex_c.h says.
"""
import ctypes, json, numbers
from ctypes import byref, c_char, c_float, c_int32, c_int64, c_size_t, c_void_p
import imbrex_capsules as capsules
from imbrex_declarations import (BOOL, ERROR_FIELDS, INFO_FIELDS, INTEGER, REAL, TYPES, VIEW, ArgumentStruct, DeviceInfo,
                                 Diagnostic, KernelNumbers, RuntimeOptions, ViewStruct, declarations)


def _bytes(text):
    return text.encode() if isinstance(text, str) else text


class ImbrexError(Exception):
    """A failed call: status ("IMBREX_ERROR_ARGUMENT"), the fields of ERROR_FIELDS, and diagnostics (dicts)."""

    def __init__(self, library, status, handle):
        call, self.diagnostics = library.functions, []
        self.status = call["status_name"](status).decode()
        for number, field in enumerate(ERROR_FIELDS):
            setattr(self, field, call["error_text"](handle, number).decode())
        for index in range(call["error_diagnostic_count"](handle)):
            diagnostic = Diagnostic()
            call["error_diagnostic"](handle, index, byref(diagnostic))
            self.diagnostics.append({name: value.decode() if isinstance(value, bytes) else value
                                     for name, value in diagnostic.values().items()})
        call["error_free"](handle)
        super().__init__(self.everything.rstrip("\n"))


class Library:
    def __init__(self, path):
        self.dll, self.functions, self._fallible = ctypes.CDLL(str(path)), {}, set()
        for name, (result, arguments, fallible) in declarations().items():
            function = getattr(self.dll, "imbrex_" + name)
            function.restype, function.argtypes = result, arguments
            self.functions[name] = function
            if fallible:
                self._fallible.add(name)

    def call(self, name, *arguments):
        """imbrex_NAME(arguments...). One that can fail takes no `error` here, and raises it."""
        if name not in self._fallible:
            return self.functions[name](*arguments)
        error = c_void_p()
        if status := self.functions[name](*arguments, byref(error)):
            raise ImbrexError(self, status, error)

    def new(self, name, *arguments):
        """As call, for a function whose last argument is a handle's place: that handle."""
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle

    def owned_text(self, name, *arguments):
        pointer = self.new(name, *arguments)
        text = ctypes.string_at(pointer.value).decode()
        self.call("text_free", pointer)
        return text

    @property
    def version(self):
        return self.call("version").decode()

    def devices(self):
        count = c_size_t()
        self.call("list_devices", None, 0, byref(count))
        infos = (DeviceInfo * count.value)(*(DeviceInfo() for _ in range(count.value)))
        self.call("list_devices", infos, count.value, byref(count))
        return list(infos)

    def open(self, device=None, **options):
        """Options as in imbrex_runtime_options, e.g. cache_directory="..."."""
        fields = {name: _bytes(value) for name, value in dict(options, device=device).items() if value is not None}
        return Runtime(self, self.new("runtime_open", byref(RuntimeOptions(**fields))))


class Handle:
    """Something to free: by close(), at the end of a `with`, or when it is collected."""
    kind = None

    def __init__(self, library, handle):
        self.library, self.handle = library, handle

    def close(self):
        handle, self.handle = self.handle, None
        if handle:
            self.library.call(self.kind + "_free", handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "handle", None):
            self.close()

    def _call(self, name, *arguments):
        return self.library.call(self.kind + "_" + name, self.handle, *arguments)

    def _new(self, name, *arguments):
        return self.library.new(self.kind + "_" + name, self.handle, *arguments)


def _of(handle):
    return handle.handle if handle is not None else None


class Runtime(Handle):
    kind = "runtime"

    @property
    def device(self):
        info = DeviceInfo()
        self._call("device", byref(info))
        return info

    def messages(self):
        return self.library.owned_text("runtime_messages", self.handle).splitlines()

    def synchronize(self):
        self._call("synchronize")

    def create_stream(self):
        return Stream(self.library, self.library.new("stream_create", self.handle))

    def wrap_stream(self, raw):
        """`raw`: a CUstream as a number, e.g. torch.cuda.current_stream().cuda_stream."""
        return Stream(self.library, self.library.new("stream_wrap", self.handle, raw))

    def create_event(self):
        return Event(self.library, self.library.new("event_create", self.handle))

    def allocate(self, size):
        return Buffer(self.library, self.library.new("buffer_allocate", self.handle, size))

    def upload(self, data):
        """A new buffer that holds `data` (bytes, or anything that bytes() can see as such)."""
        data = bytes(data)
        buffer = self.allocate(len(data))
        buffer.upload(data)
        return buffer

    def load(self, path):
        return Module(self, self.library.new("module_load", self.handle, _bytes(str(path))))

    def load_source(self, name, text):
        text = _bytes(text)
        return Module(self, self.library.new("module_load_source", self.handle, _bytes(name), text, len(text)))

    def view(self, tensor, stream=None):
        """The View of a DLPack tensor. What `stream` (None: the runtime's own) is given from now on comes after the work
        that the tensor's library has queued on it."""
        # The runtime's own stream waits for the default stream, which DLPack calls 1.
        capsule, struct = capsules.capsule_of(tensor, stream.raw or 1 if stream else 1), ViewStruct()
        pointer, versioned = capsules.open_capsule(capsule)
        self.library.call("view_from_dlpack", self.handle, pointer, versioned, byref(struct))
        return View.of_struct(struct, (tensor, capsule))


class Stream(Handle):
    kind = "stream"

    @property
    def raw(self):
        return self._call("raw") or 0

    def synchronize(self):
        self._call("synchronize")

    def wait(self, event):
        self._call("wait", event.handle)


class Event(Handle):
    kind = "event"

    def record(self, stream=None):
        self._call("record", _of(stream))

    def synchronize(self):
        self._call("synchronize")

    def milliseconds_since(self, start):
        time = c_float()
        self.library.call("event_elapsed", start.handle, self.handle, byref(time))
        return time.value


class Buffer(Handle):
    kind = "buffer"

    @property
    def address(self):
        return self._call("address")

    @property
    def bytes(self):
        return self._call("bytes")

    def upload(self, data, offset=0, stream=None):
        """`data`: bytes or a writable buffer; with a stream it must live until the stream has passed."""
        if not isinstance(data, bytes):
            data = (c_char * memoryview(data).nbytes).from_buffer(data)
        pointer = ctypes.cast(data, c_void_p)
        self._call("upload", offset, pointer, len(data), _of(stream))

    def download(self, size=None, offset=0):
        size = self.bytes - offset if size is None else size
        host = ctypes.create_string_buffer(size)
        self._call("download", offset, host, size, None)
        return host.raw

    def copy_from(self, source, size, offset=0, source_offset=0, stream=None):
        self._call("copy", offset, source.handle, source_offset, size, _of(stream))

    def fill(self, byte, stream=None):
        self._call("fill", byte, _of(stream))

    def fill32(self, word, stream=None):
        self._call("fill32", word, _of(stream))


class View:
    """Memory of a buffer, or at an address, seen as an array. Strides in elements; None: dense. `kept` is kept alive."""

    def __init__(self, memory, element, extents, strides=None, byte_offset=0, read_only=False, kept=None):
        self.buffer = memory if isinstance(memory, Buffer) else None
        self.kept = kept
        self.struct = ViewStruct(type=TYPES.index(element), byte_offset=byte_offset, rank=len(extents),
                                 read_only=read_only, has_strides=strides is not None)
        if self.buffer:
            self.struct.buffer = self.buffer.handle.value
        else:
            self.struct.address = memory or 0
        self.struct.extents[:len(extents)] = extents
        self.struct.strides[:len(strides or [])] = strides or []

    @classmethod
    def of_struct(cls, struct, kept=None):
        view = cls.__new__(cls)
        view.buffer, view.struct, view.kept = None, struct, kept
        return view

    @property
    def type(self):
        return TYPES[self.struct.type]

    @property
    def extents(self):
        return tuple(self.struct.extents[:self.struct.rank])

    @property
    def strides(self):
        return tuple(self.struct.strides[:self.struct.rank]) if self.struct.has_strides else None

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """A capsule for another library. The consumer orders its work after ours itself (Stream, Event)."""
        if copy or (dl_device is not None and dl_device != self.__dlpack_device__()):
            raise BufferError("a view is not copied, nor seen from another device")
        versioned = bool(max_version and max_version[0] >= 1)
        return capsules.new_capsule(self._export(versioned), versioned)

    def __dlpack_device__(self):
        pointer = self._export(False)
        device = (c_int32 * 2).from_address(pointer + 8)[:]
        capsules.delete(pointer, False)
        return tuple(device)

    def _export(self, versioned):
        if not self.buffer:
            raise BufferError("only a view of a buffer can be exported")
        return self.buffer.library.new("buffer_to_dlpack", self.buffer.handle, byref(self.struct), versioned).value


class Module(Handle):
    kind = "module"

    def __init__(self, runtime, handle):
        super().__init__(runtime.library, handle)
        self.runtime = runtime

    @property
    def kernels(self):
        return [self._call("kernel_name", index).decode() for index in range(self._call("kernel_count"))]

    def kernel(self, name=""):
        return Kernel(self.runtime, self._new("kernel", _bytes(name)))


class Arguments:
    """A prepared argument list: reusable, and it keeps its views alive."""

    def __init__(self, runtime, named, stream=None):
        self.array, self.count, self.kept = (ArgumentStruct * len(named))(), len(named), []
        for argument, (name, value) in zip(self.array, named.items()):
            argument.size, argument.name = ctypes.sizeof(ArgumentStruct), _bytes(name)
            if isinstance(value, bool):
                argument.kind, argument.integer = BOOL, value
            elif isinstance(value, numbers.Integral):
                argument.kind, argument.integer = INTEGER, int(value)
            elif isinstance(value, numbers.Real):
                argument.kind, argument.real = REAL, float(value)
            else:
                view = value if isinstance(value, View) else runtime.view(value, stream)
                argument.kind, argument.view = VIEW, ctypes.pointer(view.struct)
                self.kept.append(view)


class Kernel(Handle):
    kind = "kernel"

    def __init__(self, runtime, handle):
        super().__init__(runtime.library, handle)
        self.runtime = runtime

    def copy(self):
        return Kernel(self.runtime, self._new("copy"))

    def set(self, name, value):
        """A type ("bf16") or text, or a number; returns the kernel."""
        if isinstance(value, str) and value in TYPES:
            self._call("set_type", _bytes(name), TYPES.index(value))
        elif isinstance(value, str):
            self._call("set_text", _bytes(name), _bytes(value))
        else:
            self._call("set_integer", _bytes(name), value)
        return self

    def hook(self, name, function):
        self._call("hook", _bytes(name), _bytes(function))
        return self

    def signature(self):
        return json.loads(self.library.owned_text("kernel_signature", self.handle))

    def arguments(self, named, stream=None):
        """`stream`: see Runtime.view."""
        return named if isinstance(named, Arguments) else Arguments(self.runtime, named, stream)

    def launch(self, arguments, stream=None):
        arguments = self.arguments(arguments, stream)
        self._call("launch", _of(stream), arguments.array, arguments.count)

    def bind(self, arguments, stream=None):
        """A callable that launches with these arguments on this stream. Tensors are ordered now, not at each launch."""
        arguments, function, error = self.arguments(arguments, stream), self.library.functions["kernel_launch"], c_void_p()
        fixed = (self.handle, _of(stream), arguments.array, arguments.count, byref(error))

        def run():
            if status := function(*fixed):
                raise ImbrexError(run.kept[0].library, status, error)

        run.kept = (self, stream, arguments)
        return run

    def prepare(self, arguments):
        arguments = self.arguments(arguments)
        return Info(self.library, self._new("prepare", arguments.array, arguments.count))

    def infer(self, arguments):
        arguments = self.arguments(arguments)
        return Shapes(self.library, self._new("infer", arguments.array, arguments.count))


class Info(Handle):
    kind = "info"

    def numbers(self):
        numbers = KernelNumbers()
        self._call("get_numbers", byref(numbers))
        return numbers.values()

    def text(self, field):
        """`field` is one of INFO_FIELDS."""
        return self._call("text", INFO_FIELDS.index(field)).decode()


class Shapes(Handle):
    kind = "shapes"

    def extent(self, name):
        value = c_int64()
        self._call("extent", _bytes(name), byref(value))
        return value.value

    def type(self, name):
        value = c_int32()
        self._call("type", _bytes(name), byref(value))
        return TYPES[value.value]

    def view(self, name):
        struct = ViewStruct()
        self._call("view", _bytes(name), byref(struct))
        return View.of_struct(struct)
