//===- StoredArguments.h - Sequences as plain arguments ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch with sequences (Sequences.h) is one of a kernel with that storage, whose parameters say where the sequences
// lie: which storage it is, and the list of arguments that this kernel takes. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STOREDARGUMENTS_H
#define IMBREX_RUNTIME_STOREDARGUMENTS_H

#include "compiler/CompileOptions.h"
#include "runtime/Argument.h"
#include "runtime/SignaturePlan.h"
#include "llvm/ADT/SmallVector.h"

namespace imbrex {

/// True if an argument is stored by sequences.
bool hasSequences(Arguments arguments);

/// The storages that the arguments have, for a kernel of any storage. An Error names an argument that is no view of an
/// extent that varies, or whose pages are not of one or more rows.
Result<CompileOptions::Storages> storagesOf(const SignaturePlan &plan, Arguments arguments);

/// The arguments of the kernel of these storages, whose plan is `plan`; names are the plan's. An Error names a pool
/// whose pages are not multiples of its rows apart.
Result<llvm::SmallVector<Argument, 16>> flatten(const SignaturePlan &plan, Arguments arguments);

} // namespace imbrex

#endif // IMBREX_RUNTIME_STOREDARGUMENTS_H
