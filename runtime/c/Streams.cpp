//===- Streams.cpp - Streams and events of the C interface ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call of Stream.h each.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"

using namespace imbrex;
using namespace imbrex::c;

static imbrex_stream *newStream(Stream stream) { return new imbrex_stream{std::move(stream)}; }

imbrex_status imbrex_stream_create(const imbrex_runtime *runtime, imbrex_stream **stream, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {stream, "stream"}},
                [&] { return give(stream, runtime->runtime->createStream(), newStream); });
}

imbrex_status imbrex_stream_create_with_priority(const imbrex_runtime *runtime, int32_t priority,
                                                 imbrex_stream **stream, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {stream, "stream"}},
                [&] { return give(stream, runtime->runtime->createStream({.priority = priority}), newStream); });
}

imbrex_status imbrex_stream_wrap(const imbrex_runtime *runtime, void *cuda_stream, imbrex_stream **stream,
                                 imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {stream, "stream"}},
                [&] { return give(stream, runtime->runtime->wrapStream(cuda_stream), newStream); });
}

void *imbrex_stream_raw(const imbrex_stream *stream) { return stream ? stream->stream.raw() : nullptr; }

imbrex_status imbrex_stream_is_capturing(const imbrex_stream *stream, uint32_t *capturing, imbrex_error **error) {
  return answer(error, {{stream, "stream"}, {capturing, "capturing"}}, [&]() -> Result<void> {
    Result<bool> asked = stream->stream.isCapturing();
    if (!asked)
      return asked.takeError();
    *capturing = *asked;
    return {};
  });
}

imbrex_status imbrex_stream_synchronize(const imbrex_stream *stream, imbrex_error **error) {
  return answer(error, {{stream, "stream"}}, [&] { return stream->stream.synchronize(); });
}

imbrex_status imbrex_stream_wait(const imbrex_stream *stream, const imbrex_event *event, imbrex_error **error) {
  return answer(error, {{event, "event"}}, [&] {
    const Stream &waiting = stream ? stream->stream : event->runtime->stream();
    return waiting.wait(event->event);
  });
}

void imbrex_stream_free(imbrex_stream *stream) { delete stream; }

imbrex_status imbrex_event_create(const imbrex_runtime *runtime, imbrex_event **event, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {event, "event"}}, [&] {
    return give(event, runtime->runtime->createEvent(),
                [&](Event made) { return new imbrex_event{runtime->runtime, std::move(made)}; });
  });
}

imbrex_status imbrex_event_wrap(const imbrex_runtime *runtime, void *cuda_event, imbrex_event **event,
                                imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {event, "event"}}, [&] {
    return give(event, runtime->runtime->wrapEvent(cuda_event),
                [&](Event made) { return new imbrex_event{runtime->runtime, std::move(made)}; });
  });
}

void *imbrex_event_raw(const imbrex_event *event) { return event ? event->event.raw() : nullptr; }

imbrex_status imbrex_event_record(const imbrex_event *event, const imbrex_stream *stream, imbrex_error **error) {
  return answer(error, {{event, "event"}},
                [&] { return event->event.record(stream ? stream->stream : event->runtime->stream()); });
}

imbrex_status imbrex_event_is_done(const imbrex_event *event, uint32_t *done, imbrex_error **error) {
  return answer(error, {{event, "event"}, {done, "done"}}, [&]() -> Result<void> {
    Result<bool> asked = event->event.isDone();
    if (!asked)
      return asked.takeError();
    *done = *asked;
    return {};
  });
}

imbrex_status imbrex_event_synchronize(const imbrex_event *event, imbrex_error **error) {
  return answer(error, {{event, "event"}}, [&] { return event->event.synchronize(); });
}

imbrex_status imbrex_event_elapsed(const imbrex_event *start, const imbrex_event *end, float *milliseconds,
                                   imbrex_error **error) {
  return answer(error, {{start, "start"}, {end, "end"}, {milliseconds, "milliseconds"}}, [&]() -> Result<void> {
    Result<float> time = end->event.millisecondsSince(start->event);
    if (!time)
      return time.takeError();
    *milliseconds = *time;
    return {};
  });
}

void imbrex_event_free(imbrex_event *event) { delete event; }
