//===- LastCalls.cpp - What threads launched last of a kernel -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What needs to know a BoundCall.
//
//===----------------------------------------------------------------------===//

#include "runtime/LastCalls.h"
#include "runtime/BoundCall.h"

using namespace imbrex;

LastCalls::LastCalls() = default;
LastCalls::~LastCalls() = default;

void LastCalls::makeCall(std::unique_ptr<BoundCall> &call) { call = std::make_unique<BoundCall>(); }
