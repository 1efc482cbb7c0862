//===- Memory.cpp - What instances store, and who stored it ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A touch is one operation of one instance; elements hold touches as numbers of 32 bits, so that a large
// output costs four bytes an element.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Memory.h"
#include "compiler/reference/Execution.h"
#include "dialects/tile/TileDialect.h"
#include <cstring>

namespace imbrex::reference {

std::string toText(llvm::ArrayRef<int64_t> numbers) {
  std::string text = "[";
  for (auto [i, number] : llvm::enumerate(numbers))
    text += (i ? ", " : "") + std::to_string(number);
  return text + "]";
}

std::string Output::coordinates(int64_t element) const {
  llvm::SmallVector<int64_t, 4> index(view.extents.size());
  for (size_t d = index.size(); d-- > 0; element /= view.extents[d])
    index[d] = element % view.extents[d];
  return toText(index);
}

bool isAddition(mlir::Operation *op) {
  if (auto store = mlir::dyn_cast<tile::StoreOp>(op))
    return store.getAdds();
  auto scatter = mlir::dyn_cast<tile::ScatterOp>(op);
  return scatter && scatter.getAdds();
}

void Memory::addOutput(const ViewData &view, std::string name) {
  int64_t elements = 1;
  for (int64_t extent : view.extents)
    elements *= extent;
  outputs[&view] = {std::move(name), view, std::vector<uint32_t>(size_t(elements), 0), {}, {}};
}

Output *Memory::find(const ViewData *view) {
  auto it = outputs.find(view);
  return it == outputs.end() ? nullptr : &it->second;
}

void Memory::begin(std::array<int64_t, 3> running, bool keep) {
  instance = running;
  keeping = keep;
  changes.clear();
  firstTouch = touches.size();
}

uint32_t Memory::touch(mlir::Operation *op) {
  for (size_t i = touches.size(); i-- > firstTouch;)
    if (touches[i].op == op) // the last one, but for the first element
      return uint32_t(i);
  touches.push_back({instance, op});
  return uint32_t(touches.size() - 1);
}

bool Memory::isOther(uint32_t touched) const { return touched != 0 && touched < firstTouch; }

std::string Memory::conflict(const char *does, const Output &output, int64_t element, uint32_t other,
                             const char *did) const {
  const Touch &first = touches[other];
  std::string place = placeOf(first.op->getLoc());
  return "instance " + toText(instance) + " " + does + " element " + output.coordinates(element) + " of '" +
         output.name + "', which instance " + toText(first.instance) + " " + did +
         (place.empty() ? "" : " at " + place.substr(0, place.size() - 2));
}

std::string Memory::load(Output &output, int64_t element, mlir::Operation *op) {
  if (uint32_t storedBy = output.storedBy[element]; isOther(storedBy))
    return conflict("loads", output, element, storedBy, isAddition(touches[storedBy].op) ? "added to" : "stored");
  if (output.loadedBy.empty())
    output.loadedBy.resize(output.storedBy.size());
  std::array<uint32_t, 2> &loads = output.loadedBy[element];
  if (loads[0] == 0)
    loads[0] = touch(op);
  else if (isOther(loads[0]) && loads[1] == 0)
    loads[1] = touch(op);
  return "";
}

/// `place` with what the memory holds there.
static Stored read(Stored place, const void *address) {
  place.bits = 0;
  std::memcpy(&place.bits, address, byteSize(place.output->view.type));
  if (place.keepsError())
    place.error = (*place.output->view.errors)[size_t(place.element)];
  if (!place.output->sizes.empty())
    place.size = place.output->sizes[size_t(place.element)];
  return place;
}

static void write(const Stored &place, void *address) {
  std::memcpy(address, &place.bits, byteSize(place.output->view.type));
  if (place.keepsError())
    (*place.output->view.errors)[size_t(place.element)] = place.error;
  if (!place.output->sizes.empty())
    place.output->sizes[size_t(place.element)] = place.size;
}

std::string Memory::store(Output &output, int64_t element, void *address, mlir::Operation *op) {
  uint32_t &storedBy = output.storedBy[element];
  bool isHidden = mode == Mode::Hidden; // then that it stores at all is the fault, whatever others did
  const char *does = isAddition(op) ? "adds to" : "stores";
  bool addsBoth = isOther(storedBy) && isAddition(op) && isAddition(touches[storedBy].op);
  if (isOther(storedBy) && !addsBoth && !isHidden)
    return conflict(does, output, element, storedBy, isAddition(touches[storedBy].op) ? "added to" : "stored");
  if (!output.loadedBy.empty() && !isHidden)
    for (uint32_t loadedBy : output.loadedBy[element])
      if (isOther(loadedBy))
        return conflict(does, output, element, loadedBy, "loaded");
  storedBy = touch(op);
  if (keeping)
    changes.push_back({read({&output, element, 0, op}, address), address});
  return "";
}

StoredElements Memory::takeBack() {
  StoredElements left;
  for (const Change &change : changes)
    left[change.address] = read(change.before, change.address);
  for (const Change &change : llvm::reverse(changes))
    write(change.before, change.address);
  changes.clear();
  return left;
}

void Memory::putBack(const StoredElements &elements) {
  for (const auto &[address, stored] : elements) {
    changes.push_back({read(stored, address), address});
    write(stored, address);
  }
}

} // namespace imbrex::reference
