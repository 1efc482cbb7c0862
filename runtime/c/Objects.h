//===- Objects.h - What stands behind the handles of imbrex_c.h -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every opaque type of the C interface is a C++ object of the runtime, and what must live as long as it.
// Immutable once made, but for imbrex_kernel, imbrex_bound, imbrex_graph and imbrex_tuning. Internal: only the sources
// of this folder and tests include it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_C_OBJECTS_H
#define IMBREX_RUNTIME_C_OBJECTS_H

#include "runtime/Code.h"
#include "runtime/Runtime.h"
#include "runtime/c/imbrex_c.h"
#include <memory>

/// A Runtime is a reference to shared state: whoever may need its stream holds one.
using SharedRuntime = std::shared_ptr<const imbrex::Runtime>;

struct imbrex_runtime {
  SharedRuntime runtime;
};

struct imbrex_stream {
  imbrex::Stream stream;
};

struct imbrex_event {
  SharedRuntime runtime;
  imbrex::Event event;
};

struct imbrex_buffer {
  SharedRuntime runtime;
  std::shared_ptr<const imbrex::Buffer> buffer; ///< shared with the DLPack tensors made of it
};

struct imbrex_module {
  SharedRuntime runtime;
  imbrex::Module module;
  std::vector<std::string> kernels;
};

struct imbrex_kernel {
  SharedRuntime runtime;
  imbrex::Kernel kernel;
};

struct imbrex_code {
  SharedRuntime runtime;
  imbrex::Code code;
};

struct imbrex_bound {
  SharedRuntime runtime;
  imbrex::BoundKernel bound;
};

struct imbrex_graph {
  SharedRuntime runtime;
  imbrex::Graph graph;
  std::vector<std::string> launches; ///< of `graph`, asked for by pointer
};

struct imbrex_tuning {
  SharedRuntime runtime;
  imbrex::TuneJob job;
};

struct imbrex_info {
  imbrex::KernelInfo info;
  std::string interface, repairs; ///< texts that are asked for by pointer
};

struct imbrex_shapes {
  imbrex::InferredShapes shapes;
};

struct imbrex_error {
  imbrex::Error error;
  std::string everything; ///< rendered
};

#endif // IMBREX_RUNTIME_C_OBJECTS_H
