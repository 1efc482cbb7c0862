// RUN: imbrex-opt %s -pass-pipeline='builtin.module(func.func(tile-split-comparisons))' | FileCheck %s

// The least of two is as large as k where both are; in the order of the columns, what is compared comes last.
// CHECK-LABEL: @least(
// CHECK-SAME: %[[A:[a-z0-9]*]]: tensor<32x1xi32>, %[[B:[a-z0-9]*]]: tensor<32x1xi32>, %[[K:[a-z0-9]*]]: tensor<32x64xi64>
// CHECK: %[[EA:.*]] = arith.extsi %[[A]] : tensor<32x1xi32> to tensor<32x1xi64>
// CHECK: %[[AS:.*]] = tile.broadcast %[[EA]]
// CHECK: %[[X:.*]] = arith.cmpi sge, %[[AS]], %[[K]]
// CHECK: %[[EB:.*]] = arith.extsi %[[B]]
// CHECK: %[[BS:.*]] = tile.broadcast %[[EB]]
// CHECK: %[[Y:.*]] = arith.cmpi sge, %[[BS]], %[[K]]
// CHECK: %[[M:.*]] = arith.andi %[[X]], %[[Y]]
// CHECK: arith.select %[[M]]
func.func @least(%a: tensor<32x1xi32>, %b: tensor<32x1xi32>, %k: tensor<32x64xi64>, %x: tensor<32x64xf32>) -> tensor<32x64xf32> {
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %m = arith.minsi %a, %b : tensor<32x1xi32>
  %w = arith.extsi %m : tensor<32x1xi32> to tensor<32x1xi64>
  %r = tile.broadcast %w : tensor<32x1xi64> -> tensor<32x64xi64>
  %c = arith.cmpi sge, %r, %k : tensor<32x64xi64>
  %s = arith.select %c, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}

// k > max(a, b) is max(a, b) < k: both are. k < max(a, b): one is.
// CHECK-LABEL: @largest(
// CHECK: arith.cmpi slt, %arg0, %arg2
// CHECK: arith.cmpi slt, %arg1, %arg2
// CHECK: arith.andi
// CHECK: arith.cmpi sgt, %arg0, %arg2
// CHECK: arith.cmpi sgt, %arg1, %arg2
// CHECK: arith.ori
func.func @largest(%a: tensor<32x64xi32>, %b: tensor<32x64xi32>, %k: tensor<32x64xi32>, %x: tensor<32x64xf32>) -> (tensor<32x64xf32>, tensor<32x64xf32>) {
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %m = arith.maxsi %a, %b : tensor<32x64xi32>
  %c = arith.cmpi sgt, %k, %m : tensor<32x64xi32>
  %d = arith.cmpi slt, %k, %m : tensor<32x64xi32>
  %s = arith.select %c, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  %t = arith.select %d, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s, %t : tensor<32x64xf32>, tensor<32x64xf32>
}

// |d| <= 5 is d <= 5 && -d <= 5, where no d is the least integer; else it stays.
// CHECK-LABEL: @absolute(
// CHECK: arith.cmpi sle, %arg0, %[[FIVE:.*]] : tensor<32x64xi32>
// CHECK: %[[NEGATIVE:.*]] = arith.subi %{{.*}}, %arg0 overflow<nsw>
// CHECK: arith.cmpi sle, %[[NEGATIVE]], %[[FIVE]]
// CHECK: arith.andi
// CHECK-LABEL: @may_be_least(
// CHECK: %[[ABS:.*]] = math.absi
// CHECK: arith.cmpi sle, %[[ABS]]
func.func @absolute(%d: tensor<32x64xi32>, %x: tensor<32x64xf32>) -> tensor<32x64xf32> {
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %five = arith.constant dense<5> : tensor<32x64xi32>
  %a = math.absi %d {tile.exact} : tensor<32x64xi32>
  %c = arith.cmpi sle, %a, %five : tensor<32x64xi32>
  %s = arith.select %c, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}
func.func @may_be_least(%d: tensor<32x64xi32>, %x: tensor<32x64xf32>) -> tensor<32x64xf32> {
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %five = arith.constant dense<5> : tensor<32x64xi32>
  %a = math.absi %d : tensor<32x64xi32>
  %c = arith.cmpi sle, %a, %five : tensor<32x64xi32>
  %s = arith.select %c, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}

// (c ? 1 : 0) == 1 is c; (c ? k : 0) >= 1 is c && k >= 1; (c ? 0 : 1) > 0 is the opposite of c.
// CHECK-LABEL: @choices(
// CHECK: %[[C:.*]] = arith.cmpi slt, %arg0, %arg1
// CHECK: arith.select %[[C]], %arg2
// CHECK: %[[K:.*]] = arith.cmpi sge, %arg0, %{{.*}}
// CHECK: %[[BOTH:.*]] = arith.andi %[[C]], %[[K]]
// CHECK: arith.select %[[BOTH]], %arg2
// CHECK: %[[NOT:.*]] = arith.cmpi sge, %arg0, %arg1
// CHECK: arith.select %[[NOT]], %arg2
func.func @choices(%k: tensor<32x64xi32>, %n: tensor<32x64xi32>, %x: tensor<32x64xf32>) -> (tensor<32x64xf32>, tensor<32x64xf32>, tensor<32x64xf32>) {
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %zero = arith.constant dense<0> : tensor<32x64xi32>
  %one = arith.constant dense<1> : tensor<32x64xi32>
  %c = arith.cmpi slt, %k, %n : tensor<32x64xi32>
  %w = arith.extui %c : tensor<32x64xi1> to tensor<32x64xi32>
  %d = arith.cmpi eq, %w, %one : tensor<32x64xi32>
  %s = arith.select %d, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  %e = arith.select %c, %k, %zero : tensor<32x64xi1>, tensor<32x64xi32>
  %f = arith.cmpi sge, %e, %one : tensor<32x64xi32>
  %t = arith.select %f, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  %g = arith.select %c, %zero, %one : tensor<32x64xi1>, tensor<32x64xi32>
  %h = arith.cmpi sgt, %g, %zero : tensor<32x64xi32>
  %u = arith.select %h, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s, %t, %u : tensor<32x64xf32>, tensor<32x64xf32>, tensor<32x64xf32>
}

// What is no mask stays as it is.
// CHECK-LABEL: @no_mask(
// CHECK: arith.minsi
// CHECK: arith.cmpi sge
// CHECK-NOT: arith.andi
func.func @no_mask(%a: tensor<32x64xi32>, %b: tensor<32x64xi32>) -> tensor<32x64xi1> {
  %m = arith.minsi %a, %b : tensor<32x64xi32>
  %c = arith.cmpi sge, %m, %a : tensor<32x64xi32>
  return %c : tensor<32x64xi1>
}

// Where one of two is certain the other comparison alone is left.
// CHECK-LABEL: @certain(
// CHECK-NOT: arith.minsi
// CHECK: %[[ZERO:.*]] = arith.constant dense<0>
// CHECK: %[[C:.*]] = arith.cmpi sge, %arg0, %[[ZERO]]
// CHECK: arith.select %[[C]]
func.func @certain(%a: tensor<32x64xi32>, %x: tensor<32x64xf32>) -> tensor<32x64xf32> {
  %zero = arith.constant dense<0> : tensor<32x64xi32>
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %m = arith.minsi %a, %zero : tensor<32x64xi32>
  %c = arith.cmpi sge, %m, %zero : tensor<32x64xi32>
  %s = arith.select %c, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}

// Without a sign sides are turned round too.
// CHECK-LABEL: @unsigned(
// CHECK: arith.cmpi ugt, %arg1, %{{.*}}
func.func @unsigned(%c: tensor<32x64xi1>, %a: tensor<32x64xi32>, %x: tensor<32x64xf32>) -> tensor<32x64xf32> {
  %three = arith.constant dense<3> : tensor<32x64xi32>
  %one = arith.constant dense<1> : tensor<32x64xi32>
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %w = arith.select %c, %a, %one : tensor<32x64xi1>, tensor<32x64xi32>
  %d = arith.cmpi ult, %three, %w : tensor<32x64xi32>
  %s = arith.select %d, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}

// A side of a choice that has a false part is certain: what is left is where the condition does not hold, and the other.
// CHECK-LABEL: @certain_side(
// CHECK: %[[NOT:.*]] = arith.cmpi sge, %arg0, %arg1
// CHECK: %[[BOTH:.*]] = arith.andi %[[NOT]], %arg2
// CHECK: arith.select %[[BOTH]], %arg3
func.func @certain_side(%a: tensor<32x64xi32>, %b: tensor<32x64xi32>, %c: tensor<32x64xi1>, %x: tensor<32x64xf32>)
    -> tensor<32x64xf32> {
  %false = arith.constant dense<false> : tensor<32x64xi1>
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %which = arith.cmpi slt, %a, %b : tensor<32x64xi32>
  %never = arith.andi %c, %false : tensor<32x64xi1>
  %m = arith.select %which, %never, %c : tensor<32x64xi1>, tensor<32x64xi1>
  %s = arith.select %m, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}

// A condition that is certain chooses one side, as does its opposite.
// CHECK-LABEL: @certain_condition(
// CHECK: arith.select %arg1, %arg3
func.func @certain_condition(%a: tensor<32x64xi32>, %b: tensor<32x64xi1>, %c: tensor<32x64xi1>, %x: tensor<32x64xf32>)
    -> tensor<32x64xf32> {
  %zero = arith.constant dense<0> : tensor<32x64xi32>
  %one = arith.constant dense<1> : tensor<32x64xi32>
  %inf = arith.constant dense<0xFF800000> : tensor<32x64xf32>
  %sure = arith.cmpi slt, %zero, %one : tensor<32x64xi32>
  %m = arith.select %sure, %b, %c : tensor<32x64xi1>, tensor<32x64xi1>
  %s = arith.select %m, %x, %inf : tensor<32x64xi1>, tensor<32x64xf32>
  return %s : tensor<32x64xf32>
}
