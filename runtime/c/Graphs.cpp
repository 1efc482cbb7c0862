//===- Graphs.cpp - Graphs of the C interface -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call of Graph.h each; the caller's work is a function with its data.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Arguments.h"
#include "runtime/c/Codes.h"
#include "runtime/c/Objects.h"

using namespace imbrex;
using namespace imbrex::c;

/// The kind whose status that is: the caller's if there is none.
static ErrorKind kindOf(imbrex_status status) {
  for (ErrorKind kind : {ErrorKind::Compile, ErrorKind::Assemble, ErrorKind::OutOfMemory, ErrorKind::NoDevice,
                         ErrorKind::Fault, ErrorKind::Driver, ErrorKind::File})
    if (statusOf(kind) == status)
      return kind;
  return ErrorKind::Argument;
}

static std::function<Result<void>()> callOf(imbrex_work work, void *data) {
  return [=]() -> Result<void> {
    imbrex_status status = work(data);
    if (status == IMBREX_OK)
      return {};
    return Error{kindOf(status),
                 "'work' answered " + std::string(imbrex_status_name(status)) + ": its own error says why"};
  };
}

/// A function's pointer, to be looked at for null.
static const void *pointerTo(imbrex_work work) { return reinterpret_cast<const void *>(work); }

imbrex_status imbrex_graph_capture(const imbrex_runtime *runtime, const imbrex_stream *stream, imbrex_work work,
                                   void *data, imbrex_graph **graph, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {pointerTo(work), "work"}, {graph, "graph"}}, [&] {
    const Stream &on = stream ? stream->stream : runtime->runtime->stream();
    return give(graph, Graph::capture(on, callOf(work, data)), [&](Graph made) {
      std::vector<std::string> launches = made.launches();
      return new imbrex_graph{runtime->runtime, std::move(made), std::move(launches)};
    });
  });
}

imbrex_status imbrex_graph_update(imbrex_graph *graph, const imbrex_stream *stream, imbrex_work work, void *data,
                                  uint32_t *in_place, imbrex_error **error) {
  return answer(error, {{graph, "graph"}, {pointerTo(work), "work"}}, [&]() -> Result<void> {
    const Stream &on = stream ? stream->stream : graph->runtime->stream();
    Result<bool> updated = graph->graph.update(on, callOf(work, data));
    if (!updated)
      return updated.takeError();
    graph->launches = graph->graph.launches();
    if (in_place)
      *in_place = *updated;
    return {};
  });
}

size_t imbrex_graph_launch_count(const imbrex_graph *graph) { return graph ? graph->launches.size() : 0; }

const char *imbrex_graph_launch_name(const imbrex_graph *graph, size_t place) {
  return graph && place < graph->launches.size() ? graph->launches[place].c_str() : nullptr;
}

/// A set that went well may have changed a name.
static Result<void> renamed(imbrex_graph *graph, Result<void> done) {
  if (done)
    graph->launches = graph->graph.launches();
  return done;
}

imbrex_status imbrex_graph_set(imbrex_graph *graph, size_t place, const imbrex_kernel *kernel,
                               const imbrex_argument *arguments, size_t count, imbrex_error **error) {
  return answer(error, {{graph, "graph"}, {kernel, "kernel"}}, [&]() -> Result<void> {
    ArgumentList list;
    if (Result<void> read = readArguments(arguments, count, list); !read)
      return read;
    return renamed(graph, graph->graph.set(place, kernel->kernel, std::span<const Argument>(list)));
  });
}

imbrex_status imbrex_graph_set_bound(imbrex_graph *graph, size_t place, imbrex_bound *bound, imbrex_error **error) {
  return answer(error, {{graph, "graph"}, {bound, "bound"}},
                [&] { return renamed(graph, graph->graph.set(place, bound->bound)); });
}

imbrex_status imbrex_graph_set_code(imbrex_graph *graph, size_t place, const imbrex_code *code, const char *entry,
                                    const imbrex_code_shape *shape, const void *const *values, imbrex_error **error) {
  return answer(error, {{graph, "graph"}, {code, "code"}, {entry, "entry"}, {shape, "shape"}}, [&]() -> Result<void> {
    Result<CodeShape> read = readCodeShape(shape);
    return read ? renamed(graph, graph->graph.set(place, code->code, entry, *read, values)) : read.takeError();
  });
}

imbrex_status imbrex_graph_launch(const imbrex_graph *graph, const imbrex_stream *stream, imbrex_error **error) {
  return answer(error, {{graph, "graph"}},
                [&] { return graph->graph.launch(stream ? stream->stream : graph->runtime->stream()); });
}

void imbrex_graph_free(imbrex_graph *graph) { delete graph; }
