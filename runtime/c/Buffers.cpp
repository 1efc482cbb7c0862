//===- Buffers.cpp - Device memory of the C interface ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call of Buffer.h each; without a stream, copies from and to the host wait and all else goes to the
// runtime's own stream.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"

using namespace imbrex;
using namespace imbrex::c;

static const Stream &streamOr(const imbrex_stream *stream, const imbrex_buffer *buffer) {
  return stream ? stream->stream : buffer->runtime->stream();
}

imbrex_status imbrex_buffer_allocate(const imbrex_runtime *runtime, size_t bytes, imbrex_buffer **buffer,
                                     imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {buffer, "buffer"}}, [&] {
    return give(buffer, runtime->runtime->allocate(bytes), [&](Buffer made) {
      return new imbrex_buffer{runtime->runtime, std::make_shared<const Buffer>(std::move(made))};
    });
  });
}

uint64_t imbrex_buffer_address(const imbrex_buffer *buffer) { return buffer ? buffer->buffer->address() : 0; }
size_t imbrex_buffer_bytes(const imbrex_buffer *buffer) { return buffer ? buffer->buffer->bytes() : 0; }

imbrex_status imbrex_buffer_upload(const imbrex_buffer *buffer, size_t offset, const void *host, size_t bytes,
                                   const imbrex_stream *stream, imbrex_error **error) {
  return answer(error, {{buffer, "buffer"}}, [&] {
    return stream ? buffer->buffer->copyFromAsync(stream->stream, host, bytes, offset)
                  : buffer->buffer->copyFrom(host, bytes, offset);
  });
}

imbrex_status imbrex_buffer_download(const imbrex_buffer *buffer, size_t offset, void *host, size_t bytes,
                                     const imbrex_stream *stream, imbrex_error **error) {
  return answer(error, {{buffer, "buffer"}}, [&] {
    return stream ? buffer->buffer->copyToAsync(stream->stream, host, bytes, offset)
                  : buffer->buffer->copyTo(host, bytes, offset);
  });
}

imbrex_status imbrex_buffer_copy(const imbrex_buffer *to, size_t to_offset, const imbrex_buffer *from,
                                 size_t from_offset, size_t bytes, const imbrex_stream *stream, imbrex_error **error) {
  return answer(error, {{to, "to"}, {from, "from"}}, [&] {
    return to->buffer->copyFromAsync(streamOr(stream, to), *from->buffer, bytes, from_offset, to_offset);
  });
}

imbrex_status imbrex_buffer_fill(const imbrex_buffer *buffer, uint8_t value, const imbrex_stream *stream,
                                 imbrex_error **error) {
  return answer(error, {{buffer, "buffer"}}, [&] { return buffer->buffer->fill(streamOr(stream, buffer), value); });
}

imbrex_status imbrex_buffer_fill32(const imbrex_buffer *buffer, uint32_t value, const imbrex_stream *stream,
                                   imbrex_error **error) {
  return answer(error, {{buffer, "buffer"}}, [&] { return buffer->buffer->fill32(streamOr(stream, buffer), value); });
}

void imbrex_buffer_free(imbrex_buffer *buffer) { delete buffer; }
