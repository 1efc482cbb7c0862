/*===- imbrex_c.h - The C interface of Imbrex ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM        *|
|* exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception        *|
|*                                                                            *|
|* Everything that runtime/Runtime.h does, for C and for whatever speaks C:   *|
|*                                                                            *|
|*   imbrex_runtime *runtime; imbrex_module *module; imbrex_kernel *kernel;   *|
|*   imbrex_runtime_open(NULL, &runtime, &error);                             *|
|*   imbrex_module_load(runtime, "vector_add.tile", &module, &error);         *|
|*   imbrex_module_kernel(module, "", &kernel, &error);                       *|
|*   imbrex_kernel_launch(kernel, NULL, arguments, 3, &error);                *|
|*                                                                            *|
|* Rules, for every function that does not say otherwise:                     *|
|*  - What can fail returns an imbrex_status and takes `error` last. If       *|
|*    `error` is not null, *error is set: null on success, else an object to  *|
|*    free. On failure no other result is written. Nothing throws, prints or  *|
|*    ends the process. A null handle or result pointer is refused with       *|
|*    IMBREX_ERROR_ARGUMENT; a function without a status answers 0, null or   *|
|*    "" to it.                                                               *|
|*  - A handle given through a pointer argument belongs to the caller, who    *|
|*    frees it with the function of its name; freeing null does nothing.      *|
|*    Handles may be freed in any order: each keeps what it needs alive.      *|
|*  - A `const char *` result lives as long as the handle it was asked of;    *|
|*    a `char *` belongs to the caller (imbrex_text_free). Texts given end in *|
|*    a zero byte; texts received are UTF-8, with U+FFFD for bytes given that *|
|*    are not.                                                                *|
|*  - A struct begins with its size, set by the caller to sizeof, also where  *|
|*    it is to be filled. Zero is every field's default. In a struct read,    *|
|*    fields past its size are taken as zero, and bytes past the fields that  *|
|*    the library knows must be zero; of a struct filled, neither is touched. *|
|*    A size that is no multiple of the struct's alignment is refused.        *|
|*    Structs hold only values: nothing in them is freed.                     *|
|*  - A number of an enumeration is passed as int32_t, so that one which the  *|
|*    library does not know is an ordinary mistake.                           *|
|*  - Any thread may call any function; one handle may be used by several     *|
|*    threads at once, but not while it is set (imbrex_kernel_set_*) or freed.*|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef IMBREX_C_H
#define IMBREX_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows by one whenever a function or a field is added; nothing is ever removed or changed. */
#define IMBREX_C_VERSION 5
#define IMBREX_MAX_RANK 8

typedef struct imbrex_error imbrex_error;
typedef struct imbrex_runtime imbrex_runtime;
typedef struct imbrex_stream imbrex_stream;
typedef struct imbrex_event imbrex_event;
typedef struct imbrex_buffer imbrex_buffer;
typedef struct imbrex_module imbrex_module;
typedef struct imbrex_kernel imbrex_kernel;
typedef struct imbrex_code imbrex_code;     /* PTX or machine code that was not compiled here */
typedef struct imbrex_bound imbrex_bound;   /* a kernel with its arguments */
typedef struct imbrex_graph imbrex_graph;   /* work that is recorded once and replayed */
typedef struct imbrex_tuning imbrex_tuning; /* a tuning that goes on in the background */
typedef struct imbrex_info imbrex_info;     /* one compiled specialisation */
typedef struct imbrex_shapes imbrex_shapes; /* what argument shapes determine */

/* How a function ended. The numbers stay for ever. */
typedef enum imbrex_status {
  IMBREX_OK = 0,
  IMBREX_ERROR_ARGUMENT = 1,      /* the caller's: a wrong name, shape, type, pointer or option */
  IMBREX_ERROR_COMPILE = 2,       /* the kernel's text: see imbrex_error_diagnostic */
  IMBREX_ERROR_ASSEMBLE = 3,      /* PTX could not be turned into machine code, or not be loaded */
  IMBREX_ERROR_OUT_OF_MEMORY = 4, /* of the device; or of the host, while it compiled */
  IMBREX_ERROR_NO_DEVICE = 5,     /* the device asked for does not exist */
  IMBREX_ERROR_FAULT = 6,         /* a kernel went wrong on the device, which is then lost */
  IMBREX_ERROR_DRIVER = 7,        /* any other failure of a driver call */
  IMBREX_ERROR_FILE = 8           /* a file could not be read or written */
} imbrex_status;

/* Element types. The numbers are of this interface alone, and stay for ever. */
typedef enum imbrex_type {
  IMBREX_BOOL = 0,
  IMBREX_I8 = 1,
  IMBREX_I32 = 2,
  IMBREX_I64 = 3,
  IMBREX_F16 = 4,
  IMBREX_BF16 = 5,
  IMBREX_F32 = 6,
  IMBREX_F64 = 7,
  IMBREX_U8 = 8,
  IMBREX_U32 = 9,
  IMBREX_F8E4M3 = 10, /* no infinity, largest 448 */
  IMBREX_F8E5M2 = 11  /* the upper byte of an f16 */
} imbrex_type;

/*--- The library ------------------------------------------------------------*/

/* "0.1.0"; lives for ever. */
const char *imbrex_version(void);
/* The IMBREX_C_VERSION the library was built with. */
uint32_t imbrex_c_version(void);
/* "IMBREX_ERROR_ARGUMENT", or "unknown status". */
const char *imbrex_status_name(int32_t status);
/* "bf16" as the tile language spells it, or "unknown type"; bytes of an element, 0 if unknown. */
const char *imbrex_type_name(int32_t type);
size_t imbrex_type_size(int32_t type);
void imbrex_text_free(char *text);

/*--- Errors -----------------------------------------------------------------*/

/* What an error object can tell. */
typedef enum imbrex_error_field {
  IMBREX_ERROR_MESSAGE = 0,    /* one sentence; names the argument, file or kernel */
  IMBREX_ERROR_EVERYTHING = 1, /* all of it for a person, in lines */
  IMBREX_ERROR_CALL = 2,       /* driver or system call that failed, "" if none */
  IMBREX_ERROR_CALL_ARGUMENTS = 3,
  IMBREX_ERROR_DRIVER_NAME = 4, /* "CUDA_ERROR_OUT_OF_MEMORY" */
  IMBREX_ERROR_DRIVER_WORDS = 5,
  IMBREX_ERROR_REPORT = 6 /* a simulated device's fault report, an assembler's log, or "" */
} imbrex_error_field;

/* One sentence about a place of a kernel's text. Filled. */
typedef struct imbrex_diagnostic {
  uint32_t size;
  uint32_t severity;     /* 0 error, 1 note, 2 remark */
  uint32_t line, column; /* from 1; 0: the whole file */
  const char *file, *message, *source_line;
} imbrex_diagnostic;

imbrex_status imbrex_error_status(const imbrex_error *error); /* IMBREX_OK of null */
/* "" for a field that this library does not know. */
const char *imbrex_error_text(const imbrex_error *error, int32_t field);
size_t imbrex_error_diagnostic_count(const imbrex_error *error);
/* The texts live as long as `error`. IMBREX_ERROR_ARGUMENT, and no more said, if there is no such diagnostic. */
imbrex_status imbrex_error_diagnostic(const imbrex_error *error, size_t index, imbrex_diagnostic *diagnostic);
void imbrex_error_free(imbrex_error *error);

/*--- Devices and runtimes ---------------------------------------------------*/

/* Facts of a device. Filled. */
typedef struct imbrex_device_info {
  uint32_t size;
  uint32_t simulated;      /* 1: kernels run on the simulator, and times mean nothing */
  char id[32];             /* "cuda:0" or "sim:h200": what imbrex_runtime_options.device takes */
  char name[256];          /* the driver's own name */
  char target[16];         /* what kernels are compiled for by default: "sm_90" */
  uint32_t major, minor;   /* compute capability */
  uint32_t driver_version; /* 13000 for CUDA 13.0 */
  uint32_t multiprocessors;
  uint32_t threads_per_block;
  uint32_t registers_per_block;
  uint32_t shared_bytes_per_block;        /* without asking */
  uint32_t shared_bytes_per_block_opt_in; /* the most a block can ask for */
  uint32_t shared_bytes_per_multiprocessor;
  uint32_t l2_bytes;
  uint32_t clock_kilohertz;
  uint32_t grid[3]; /* the largest, x, y, z */
  uint64_t memory_bytes;
} imbrex_device_info;

/* The machine's devices, then the ones that can be simulated. Fills at most `capacity` infos and tells in `count`
   how many there are; `infos` may be null if `capacity` is 0. The size of infos[0] is that of all, and their
   distance. */
imbrex_status imbrex_list_devices(imbrex_device_info *infos, size_t capacity, size_t *count, imbrex_error **error);

/* Takes the text that was found: `name` tells it from others (a path), `text` need not end in a zero byte. Both are
   copied. Of several calls the last counts. */
typedef void (*imbrex_found)(void *sink, const char *name, const char *text, size_t bytes);
/* Finds what the text called `importer` imports as `word`: calls found(sink, ...) before it returns, or does not, where
   there is none. Called by the thread that loads a module, by several at once if several do; must not throw. */
typedef void (*imbrex_import)(void *data, const char *importer, const char *word, imbrex_found found, void *sink);

/* Device memory by the program's own means, for every byte that would be asked of the driver: the address of
   `bytes` > 0 bytes, a multiple of 256, or 0 if there are none left; and the way back, after waiting for work in flight
   that uses it. Called from any thread, with the device's primary context current; must not throw. Since version 5. */
typedef uint64_t (*imbrex_allocate)(void *data, size_t bytes);
typedef void (*imbrex_release)(void *data, uint64_t address, size_t bytes);

/* How a runtime is opened. Read. */
typedef struct imbrex_runtime_options {
  uint32_t size;
  uint32_t simulator_threads;      /* 0: all cores */
  const char *device;              /* "cuda:0", "sim:h200"; null or "": the first GPU, else a simulated device */
  const char *target;              /* "sm_90a"; null: the best plain target of the device */
  const char *cache_directory;     /* null: no disk cache */
  uint64_t cache_bytes;            /* 0: 1 GiB */
  const char *ptxas;               /* must exist, on every device; null: look in ptxas_directories */
  const char *ptxas_directories;   /* apart by ':'; none found: the driver assembles */
  const char *temporary_directory; /* null: "/tmp" */
  uint64_t simulator_instructions; /* warp instructions a launch may take; 0: a generous bound */
  uint32_t simulator_seed;         /* of its scheduling */
  uint32_t reserved;               /* 0 */
  /* Since version 3: */
  const char *packs;       /* files of `imbrex pack`, apart by ':', read before the cache; null: none */
  uint32_t no_compile;     /* 1: a kernel in no pack and no cache is an error */
  uint32_t loaded_kernels; /* compiled kernels that stay loaded; 0: 256 */
  /* Since version 4: */
  imbrex_import import; /* for what is not beside the importing file; null: such an import is an error */
  void *import_data;    /* handed to it; must live as long as the runtime and what was loaded of it */
  /* Since version 5: */
  imbrex_allocate allocate; /* both or none; none: the driver's memory */
  imbrex_release release;
  void *allocator_data;     /* handed to both; must live until the last buffer and tensor is freed */
  uint32_t assembles;   /* 1: ptxas runs on a simulated device too */
  uint32_t ptxas_level; /* the digit of ptxas -O, 1 to 3; 0: 3 */
  /* 1: each compilation is a child process: nothing that happens to it ends this one. 0: where less than 1 GiB of
     memory is left. 2: never. */
  uint32_t compiles_in_child;
  uint32_t reserved2;         /* 0 */
} imbrex_runtime_options;

/* `options` may be null. */
imbrex_status imbrex_runtime_open(const imbrex_runtime_options *options, imbrex_runtime **runtime,
                                  imbrex_error **error);
void imbrex_runtime_free(imbrex_runtime *runtime);
imbrex_status imbrex_runtime_device(const imbrex_runtime *runtime, imbrex_device_info *info, imbrex_error **error);
/* What went differently than asked without being an error, a line each. */
imbrex_status imbrex_runtime_messages(const imbrex_runtime *runtime, char **text, imbrex_error **error);
/* Waits for everything on the device. */
imbrex_status imbrex_runtime_synchronize(const imbrex_runtime *runtime, imbrex_error **error);

/*--- Streams and events -----------------------------------------------------*/
/* Where a function takes a stream and does not say otherwise, null is the runtime's own stream. All synchronous
   functions of buffers keep order with the streams made here. */

/* A stream of its own; work on it is in order. */
imbrex_status imbrex_stream_create(const imbrex_runtime *runtime, imbrex_stream **stream, imbrex_error **error);
/* Where work of several streams waits for the device, a lower priority goes first; one outside the device's range is
   refused. Since version 3. */
imbrex_status imbrex_stream_create_with_priority(const imbrex_runtime *runtime, int32_t priority,
                                                 imbrex_stream **stream, imbrex_error **error);
/* A CUstream (or cudaStream_t) of somebody else, in the primary context of the runtime's device: used, never
   destroyed; it must outlive the handle. Null is the default stream, (void *)1 and (void *)2 are CU_STREAM_LEGACY
   and CU_STREAM_PER_THREAD. A stream of another device or context is refused. Made with CU_STREAM_NON_BLOCKING
   (as PyTorch's side streams are), it keeps no order with the synchronous functions of buffers: synchronize it
   first. On a simulated device, only what came from imbrex_stream_raw of the same runtime. */
imbrex_status imbrex_stream_wrap(const imbrex_runtime *runtime, void *cuda_stream, imbrex_stream **stream,
                                 imbrex_error **error);
/* The CUstream, for another library; null of null and of the default stream. It lives as long as `stream`. */
void *imbrex_stream_raw(const imbrex_stream *stream);
/* 1 while what is put on the stream is captured, by anybody; else 0. Since version 3. */
imbrex_status imbrex_stream_is_capturing(const imbrex_stream *stream, uint32_t *capturing, imbrex_error **error);
imbrex_status imbrex_stream_synchronize(const imbrex_stream *stream, imbrex_error **error);
/* Later work of the stream waits for the event; the host does not. */
imbrex_status imbrex_stream_wait(const imbrex_stream *stream, const imbrex_event *event, imbrex_error **error);
void imbrex_stream_free(imbrex_stream *stream);

/* A mark that can be put on streams. */
imbrex_status imbrex_event_create(const imbrex_runtime *runtime, imbrex_event **event, imbrex_error **error);
/* A CUevent (cudaEvent_t) of somebody else in the primary context of the runtime's device: used, never destroyed; it
   must outlive the handle. The other way: the CUevent of ours, null of null. Since version 3. */
imbrex_status imbrex_event_wrap(const imbrex_runtime *runtime, void *cuda_event, imbrex_event **event,
                                imbrex_error **error);
void *imbrex_event_raw(const imbrex_event *event);
imbrex_status imbrex_event_record(const imbrex_event *event, const imbrex_stream *stream, imbrex_error **error);
/* Whether the stream has passed it; does not wait. Since version 5. */
imbrex_status imbrex_event_is_done(const imbrex_event *event, uint32_t *done, imbrex_error **error);
imbrex_status imbrex_event_synchronize(const imbrex_event *event, imbrex_error **error);
/* Milliseconds between two marks that have passed. On a simulated device it measures nothing. */
imbrex_status imbrex_event_elapsed(const imbrex_event *start, const imbrex_event *end, float *milliseconds,
                                   imbrex_error **error);
void imbrex_event_free(imbrex_event *event);

/*--- Device memory ----------------------------------------------------------*/
/* Offsets and sizes are in bytes, and checked against the buffer. */

/* Uninitialised device memory, freed by imbrex_buffer_free. */
imbrex_status imbrex_buffer_allocate(const imbrex_runtime *runtime, size_t bytes, imbrex_buffer **buffer,
                                     imbrex_error **error);
uint64_t imbrex_buffer_address(const imbrex_buffer *buffer); /* on the device, a multiple of 256; 0 if empty */
size_t imbrex_buffer_bytes(const imbrex_buffer *buffer);
/* Host to device and back. Without a stream: ordered after all work on the runtime's streams, done on return.
   With one: in its order, and `host` must live, and not change, until the stream has passed. */
imbrex_status imbrex_buffer_upload(const imbrex_buffer *buffer, size_t offset, const void *host, size_t bytes,
                                   const imbrex_stream *stream, imbrex_error **error);
imbrex_status imbrex_buffer_download(const imbrex_buffer *buffer, size_t offset, void *host, size_t bytes,
                                     const imbrex_stream *stream, imbrex_error **error);
/* Device to device, in stream order; ranges that overlap are refused. */
imbrex_status imbrex_buffer_copy(const imbrex_buffer *to, size_t to_offset, const imbrex_buffer *from,
                                 size_t from_offset, size_t bytes, const imbrex_stream *stream, imbrex_error **error);
/* Sets every byte, in stream order; every 32-bit word, of a buffer whose size is a multiple of 4. */
imbrex_status imbrex_buffer_fill(const imbrex_buffer *buffer, uint8_t value, const imbrex_stream *stream,
                                 imbrex_error **error);
imbrex_status imbrex_buffer_fill32(const imbrex_buffer *buffer, uint32_t value, const imbrex_stream *stream,
                                   imbrex_error **error);
/* Waits for work in flight (cuMemFree), unless a DLPack tensor still holds the memory. */
void imbrex_buffer_free(imbrex_buffer *buffer);

/*--- Arguments --------------------------------------------------------------*/

/* Memory seen as an array; owns nothing. The memory must live until the work that uses the view is done. */
typedef struct imbrex_view {
  uint32_t size;
  int32_t type;                /* imbrex_type */
  uint64_t address;            /* a CUdeviceptr; 0 where `buffer` is given, and where an extent is 0 */
  const imbrex_buffer *buffer; /* its memory, and launches check its bounds; null: raw memory at `address` */
  uint64_t byte_offset;        /* added to the address */
  uint32_t rank;
  uint32_t read_only; /* 1: refused for an output */
  int64_t extents[IMBREX_MAX_RANK];
  uint32_t has_strides;             /* 0: dense, last dimension fastest */
  uint32_t reserved;                /* 0 */
  int64_t strides[IMBREX_MAX_RANK]; /* in elements, not negative; the last is 1 */
} imbrex_view;

/* Which field of an imbrex_argument counts. */
typedef enum imbrex_argument_kind {
  IMBREX_ARGUMENT_VIEW = 0,
  IMBREX_ARGUMENT_INTEGER = 1,
  IMBREX_ARGUMENT_REAL = 2,
  IMBREX_ARGUMENT_BOOL = 3
} imbrex_argument_kind;

/* In an array all have the size of the first, which is also their distance. An argument of another kind than the
   parameter's, or a number that the parameter's type cannot hold, is refused. */
typedef struct imbrex_argument {
  uint32_t size;
  int32_t kind; /* imbrex_argument_kind */
  const char *name;
  const imbrex_view *view; /* of IMBREX_ARGUMENT_VIEW */
  int64_t integer;         /* of IMBREX_ARGUMENT_INTEGER and IMBREX_ARGUMENT_BOOL (0 or 1) */
  double real;             /* of IMBREX_ARGUMENT_REAL */
} imbrex_argument;

/* DLPack (dlpack.h 0.8 and 1.x, https://dmlc.github.io/dlpack). `versioned` tells what the pointer is:
     0   a DLManagedTensor, or a DLTensor, its first member (capsules named "dltensor")
     1   a DLManagedTensorVersioned (capsules named "dltensor_versioned")
   Types: bool, int8, int32, int64, uint8, uint32, float16, bfloat16, float32, float64, one lane. Device: kDLCUDA with
   the runtime's ordinal; on a simulated device kDLExtDev with a number of the runtime's own. */

/* The view of a tensor: byte_offset, strides (null: dense) and the read-only flag are taken over. Memory of another
   device (the host's, pinned or managed memory, another GPU) is refused. Nothing is kept or freed: the tensor must
   live until the work that uses the view is done. */
imbrex_status imbrex_view_from_dlpack(const imbrex_runtime *runtime, const void *managed_tensor, int32_t versioned,
                                      imbrex_view *view, imbrex_error **error);
/* A tensor of `buffer`, seen as `view` says (whose address and buffer are 0, or this buffer's): data points at the
   first element, byte_offset is 0, strides are written out. The tensor keeps the buffer's memory alive; whoever
   takes it frees it by calling its deleter, once. A read-only view needs `versioned` 1. */
imbrex_status imbrex_buffer_to_dlpack(const imbrex_buffer *buffer, const imbrex_view *view, int32_t versioned,
                                      void **managed_tensor, imbrex_error **error);

/*--- Modules and kernels ----------------------------------------------------*/

/* Reads and checks a kernel source; `path` is of a file. */
imbrex_status imbrex_module_load(const imbrex_runtime *runtime, const char *path, imbrex_module **module,
                                 imbrex_error **error);
/* `text` need not end in a zero byte. `name` is what diagnostics show. */
imbrex_status imbrex_module_load_source(const imbrex_runtime *runtime, const char *name, const char *text, size_t bytes,
                                        imbrex_module **module, imbrex_error **error);
/* The texts that come with the library, each as its file is called below kernels/: "attention_forward.tile". The name,
   null past the end; it lives for ever. A module of one, with what it imports; and an imbrex_import that finds them for
   texts of your own, which needs no data. Since version 5. */
const char *imbrex_shipped_name(size_t index);
void imbrex_shipped_import(void *data, const char *importer, const char *word, imbrex_found found, void *sink);
imbrex_status imbrex_module_load_shipped(const imbrex_runtime *runtime, const char *name, imbrex_module **module,
                                         imbrex_error **error);
size_t imbrex_module_kernel_count(const imbrex_module *module);
const char *imbrex_module_kernel_name(const imbrex_module *module, size_t index); /* null past the end */
void imbrex_module_free(imbrex_module *module);

/* The kernel of that name; null or "" if the text has only one. */
imbrex_status imbrex_module_kernel(const imbrex_module *module, const char *name, imbrex_kernel **kernel,
                                   imbrex_error **error);
/* A copy that can be set on its own; what was compiled is shared. */
imbrex_status imbrex_kernel_copy(const imbrex_kernel *kernel, imbrex_kernel **copy, imbrex_error **error);
/* Fix a type, integer or tuning parameter: by number, or as text ("bf16", "128"). A parameter that shapes determine
   need not be set. A wrong name or value is told by the next launch, prepare or infer. */
imbrex_status imbrex_kernel_set_type(imbrex_kernel *kernel, const char *name, int32_t type, imbrex_error **error);
imbrex_status imbrex_kernel_set_integer(imbrex_kernel *kernel, const char *name, int64_t value, imbrex_error **error);
imbrex_status imbrex_kernel_set_text(imbrex_kernel *kernel, const char *name, const char *value, imbrex_error **error);
/* Replaces a hook by a function of the same text, imbrex_kernel_hook(kernel, "mask", "window(4096, 0)", &error), or by
   any binding of compiler/frontend/Grammar.md ("Hooks"); names that it captures become parameters, which the signature
   has from then on. A mistake in it is told by the next launch, prepare or infer. */
imbrex_status imbrex_kernel_hook(imbrex_kernel *kernel, const char *name, const char *function, imbrex_error **error);
/* How a view with an extent that varies is stored: "padded", "ragged" or "paged:16" (rows of a page), or elements of
   few bits times scales: "scaled(paged:16,f8e4m3)", "scaled(dense,i8,heads)", "scaled(ragged,f8e4m3,128)". What such a
   kernel takes stands in compiler/Storage.h: of a ragged K the arguments "K", "K.offsets" and "K.longest". A wrong
   name is told by the next launch, prepare or infer. Since version 2. */
imbrex_status imbrex_kernel_storage(imbrex_kernel *kernel, const char *view, const char *storage, imbrex_error **error);
/* Whether a kernel is refused that may give other bits from run to run. Since version 3. */
imbrex_status imbrex_kernel_set_deterministic(imbrex_kernel *kernel, uint32_t asked, imbrex_error **error);
/* Programmatic dependent launch: launches may occupy the device before the kernel before them on the stream has ended,
   and wait there for its end. Needs sm_90 or later; an older target is told by the next launch. Since version 3. */
imbrex_status imbrex_kernel_set_programmatic(imbrex_kernel *kernel, uint32_t asked, imbrex_error **error);
/* Parameters, type, integer and tuning parameters with their choices, hooks: as JSON; the schema stands in
   runtime/c/README.md. */
imbrex_status imbrex_kernel_signature(const imbrex_kernel *kernel, char **json, imbrex_error **error);
void imbrex_kernel_free(imbrex_kernel *kernel);

/* Checks the arguments, compiles if need be, and puts the kernel on the stream. An optional view that is not
   named is left out; an empty grid is success. On an error nothing was launched. The arguments are read before it
   returns; the memory of their views must live until the stream has come past the launch. */
imbrex_status imbrex_kernel_launch(const imbrex_kernel *kernel, const imbrex_stream *stream,
                                   const imbrex_argument *arguments, size_t count, imbrex_error **error);
/* Everything launch does but the launch; `info` may be null. */
imbrex_status imbrex_kernel_prepare(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                    imbrex_info **info, imbrex_error **error);
typedef enum imbrex_readiness {
  IMBREX_READY_LOADED = 0, /* a launch is the driver's call */
  IMBREX_READY_STORED = 1, /* it must be loaded from a pack or the disk cache */
  IMBREX_READY_MISSING = 2 /* it must be compiled */
} imbrex_readiness;

/* What a launch would have to do first; does nothing of it. An error if a compilation with these arguments failed
   before. Since version 3. */
imbrex_status imbrex_kernel_readiness(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                      int32_t *readiness, imbrex_error **error);
/* What these arguments, perhaps not all of them, determine. Compiles nothing. */
imbrex_status imbrex_kernel_infer(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                  imbrex_shapes **shapes, imbrex_error **error);

/*--- Code of others (since version 5) ---------------------------------------*/
/* Nothing is known of such a kernel's parameters: values must be given in order, of the right sizes, and memory that it
   writes outside of its arrays is written. */

/* How such a kernel is launched. Read. */
typedef struct imbrex_code_shape {
  uint32_t size;
  uint32_t shared_bytes; /* dynamic, of a block */
  uint32_t grid[3];      /* in blocks; a 0 of y and z is 1 */
  uint32_t block[3];     /* in threads; the same */
} imbrex_code_shape;

/* PTX text, a cubin or a fat binary, copied. IMBREX_ERROR_ASSEMBLE if the driver refuses it, with its log as report. On
   a simulated device PTX text alone. */
imbrex_status imbrex_code_load(const imbrex_runtime *runtime, const void *image, size_t bytes, imbrex_code **code,
                               imbrex_error **error);
/* The same of a file. */
imbrex_status imbrex_code_load_file(const imbrex_runtime *runtime, const char *path, imbrex_code **code,
                                    imbrex_error **error);
/* Finds the kernel, and lets it use that much dynamic shared memory from now on: before a capture, say. */
imbrex_status imbrex_code_prepare(const imbrex_code *code, const char *entry, uint32_t shared_bytes,
                                  imbrex_error **error);
/* Puts the kernel `entry` on the stream. `values` are pointers to the parameters' values, as cuLaunchKernel takes them,
   read before it returns; null if there are none. */
imbrex_status imbrex_code_launch(const imbrex_code *code, const imbrex_stream *stream, const char *entry,
                                 const imbrex_code_shape *shape, const void *const *values, imbrex_error **error);
void imbrex_code_free(imbrex_code *code);

/*--- Bound kernels (since version 3) ----------------------------------------*/
/* A kernel whose arguments are matched, checked and packed: a launch with nothing changed is the driver's call alone.
   Used by one thread at a time. */

/* A kernel with these arguments, checked and packed, compiled if need be. */
imbrex_status imbrex_kernel_bind(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                 imbrex_bound **bound, imbrex_error **error);
/* Where an argument is set. */
imbrex_status imbrex_bound_place(const imbrex_bound *bound, const char *name, uint32_t *place, imbrex_error **error);
/* Changes an argument for the launches to come. What is wrong with it the next launch says. */
imbrex_status imbrex_bound_set_view(imbrex_bound *bound, uint32_t place, const imbrex_view *view, imbrex_error **error);
imbrex_status imbrex_bound_set_integer(imbrex_bound *bound, uint32_t place, int64_t value, imbrex_error **error);
imbrex_status imbrex_bound_set_real(imbrex_bound *bound, uint32_t place, double value, imbrex_error **error);
imbrex_status imbrex_bound_launch(imbrex_bound *bound, const imbrex_stream *stream, imbrex_error **error);
void imbrex_bound_free(imbrex_bound *bound);

/*--- Graphs (since version 3) -----------------------------------------------*/
/* What `work` puts on a stream is captured, and launched as a whole as often as one likes. While a thread captures,
   nothing is compiled, loaded or allocated: launch, prepare or bind with the same arguments before. */

/* Called once, with the data that was given beside it. Anything but IMBREX_OK ends the capture with that status. */
typedef imbrex_status (*imbrex_work)(void *data);

/* `stream` may not be the default stream; null is the stream of `runtime`. */
imbrex_status imbrex_graph_capture(const imbrex_runtime *runtime, const imbrex_stream *stream, imbrex_work work,
                                   void *data, imbrex_graph **graph, imbrex_error **error);
/* Captures anew; `in_place`, which may be null, is 1 if the graph was changed, 0 if it had to be made anew because
   `work` did other things. On an error the graph does what it did before. */
imbrex_status imbrex_graph_update(imbrex_graph *graph, const imbrex_stream *stream, imbrex_work work, void *data,
                                  uint32_t *in_place, imbrex_error **error);
/* How many kernels `work` launched by the functions of this header; the name of one, null past the end. Since version
   5. */
size_t imbrex_graph_launch_count(const imbrex_graph *graph);
const char *imbrex_graph_launch_name(const imbrex_graph *graph, size_t place);
/* Gives the launch at a place, from 0, other arguments, or another kernel, for the launches of the graph from now on.
   All that the launch itself would do is done, compilation included. On an error the graph is as before; an empty grid
   is one. A kernel that is programmatic takes the place of such a one alone. Since version 5. */
imbrex_status imbrex_graph_set(imbrex_graph *graph, size_t place, const imbrex_kernel *kernel,
                               const imbrex_argument *arguments, size_t count, imbrex_error **error);
imbrex_status imbrex_graph_set_bound(imbrex_graph *graph, size_t place, imbrex_bound *bound, imbrex_error **error);
imbrex_status imbrex_graph_set_code(imbrex_graph *graph, size_t place, const imbrex_code *code, const char *entry,
                                    const imbrex_code_shape *shape, const void *const *values, imbrex_error **error);
imbrex_status imbrex_graph_launch(const imbrex_graph *graph, const imbrex_stream *stream, imbrex_error **error);
void imbrex_graph_free(imbrex_graph *graph);

/*--- Tuning (since version 3) -----------------------------------------------*/

/* How far a run is: candidates with an outcome, of all; the best ratio to the kernel untuned; and time. Called on the
   thread that tunes, after every step. Anything but 0 ends the run as a spent budget does. Since version 5. */
typedef uint32_t (*imbrex_progress)(void *data, size_t done, size_t candidates, double best_ratio, double seconds,
                                    double seconds_left);

/* What a run of tuning may take. Read. */
typedef struct imbrex_tune_options {
  uint32_t size;
  uint32_t budget_milliseconds;   /* of wall time; 0: 15000 */
  uint32_t patience_milliseconds; /* that one launch may take before it counts as hung; 0: 5000 */
  uint32_t threads;               /* that compile, at most 1024; 0: one a core */
  uint32_t rounding;              /* 1: also vary what may change the last bits of results */
  uint32_t deterministic;         /* 1: refuse what does not give the very bits of the kernel untuned */
  uint32_t again;                 /* 1: do not take what was found before */
  uint32_t reserved;              /* 0 */
  /* Since version 5: */
  imbrex_progress progress; /* null: nobody is told */
  void *progress_data;      /* handed to it; must live until the run has ended */
} imbrex_tune_options;

/* Finds the best tuning for the key of these arguments, which later launches take; reads the arguments' memory, writes
   none of it. `options` may be null; `report`, which may be null, is JSON: what `imbrex tune --json` prints. */
imbrex_status imbrex_kernel_tune(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                 const imbrex_tune_options *options, char **report, imbrex_error **error);
/* The same in the background, once the arguments are copied; launches go on as before until it is done. */
imbrex_status imbrex_kernel_tune_in_background(const imbrex_kernel *kernel, const imbrex_argument *arguments,
                                               size_t count, const imbrex_tune_options *options, imbrex_tuning **tuning,
                                               imbrex_error **error);
uint32_t imbrex_tuning_is_done(const imbrex_tuning *tuning); /* 1, also of null */
/* Waits for the end; once. */
imbrex_status imbrex_tuning_wait(imbrex_tuning *tuning, char **report, imbrex_error **error);
/* Cancels, and waits for the step under way. */
void imbrex_tuning_free(imbrex_tuning *tuning);
/* All results of tuning below a cache directory as one file, to ship with a program, and the way back; `count`, which
   may be null, is how many; none is an error. Since version 5. */
imbrex_status imbrex_tuning_export(const char *cache_directory, const char *path, size_t *count, imbrex_error **error);
imbrex_status imbrex_tuning_import(const char *cache_directory, const char *path, size_t *count, imbrex_error **error);
/* Every kernel compiled into a cache directory as one file for imbrex_runtime_options.packs; none is an error. Since
   version 5. */
imbrex_status imbrex_pack_kernels(const char *cache_directory, const char *path, size_t *count, imbrex_error **error);

/*--- Compiled kernels and inferred shapes -----------------------------------*/

/* What one compiled specialisation takes of a device. Filled. */
typedef struct imbrex_kernel_numbers {
  uint32_t size;
  uint32_t warps;               /* of a CTA */
  uint32_t shared_bytes;        /* dynamic, of a CTA */
  uint32_t static_shared_bytes; /* these three by the driver's account */
  uint32_t registers;           /* a thread */
  uint32_t local_bytes;         /* a thread */
  uint32_t repairs;             /* messages C75xx of the assembler; a correct kernel has none */
  uint32_t from_disk;           /* 1: found in the disk cache */
  uint64_t machine_code_bytes;  /* 0 where PTX is loaded */
} imbrex_kernel_numbers;

/* What an imbrex_info can tell as text. */
typedef enum imbrex_info_field {
  IMBREX_INFO_PTX = 0,
  IMBREX_INFO_INTERFACE = 1, /* imbrex::KernelInterface as JSON: constants, types, grid, target */
  IMBREX_INFO_ASSEMBLER_LOG = 2,
  IMBREX_INFO_REPAIRS = 3 /* the messages that imbrex_kernel_numbers.repairs counts, a line each */
} imbrex_info_field;

/* Fills in `numbers`. */
imbrex_status imbrex_info_get_numbers(const imbrex_info *info, imbrex_kernel_numbers *numbers, imbrex_error **error);
/* "" for a field that this library does not know. */
const char *imbrex_info_text(const imbrex_info *info, int32_t field);
void imbrex_info_free(imbrex_info *info);

/* Each is IMBREX_ERROR_ARGUMENT if there is no such name, or the arguments do not determine it. */
/* The value of a symbol or integer parameter. */
imbrex_status imbrex_shapes_extent(const imbrex_shapes *shapes, const char *name, int64_t *value, imbrex_error **error);
/* The imbrex_type of a type parameter. */
imbrex_status imbrex_shapes_type(const imbrex_shapes *shapes, const char *name, int32_t *type, imbrex_error **error);
/* Type, rank and extents of a view parameter, dense and without memory: what to allocate an output with. */
imbrex_status imbrex_shapes_view(const imbrex_shapes *shapes, const char *name, imbrex_view *view,
                                 imbrex_error **error);
void imbrex_shapes_free(imbrex_shapes *shapes);

#ifdef __cplusplus
}
#endif

#endif /* IMBREX_C_H */
