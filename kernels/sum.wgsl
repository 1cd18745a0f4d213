alias real = f32;
// Sums that keep the channels, or a number a row:
//   columns: y[c] = sum_r x[r, c]         rows: y[r] = sum_c x[r, c]
// Their vjps are the broadcasts of broadcast.wgsl. No atomics: the order of addition is fixed. Sums are float32
// whatever real is. A row's sum may be multiplied by a factor, where the product is merged with it.
override lanes: u32 = 64;
override quads: u32; // columns: vec4s a row; rows: vec4s in all
override rows: u32;
override factor: f32 = 1; // rows
override chunk: u32; // columns: rows that one invocation of `columns` adds; rows: vec4s a row

override deep: u32 = 1; // columns: a power of two
override wide: u32 = lanes / deep;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4f>;

var<workgroup> quad_totals: array<vec4f, lanes>;

// The number of a workgroup's first sum.
fn first_of(group: vec3u, groups: vec3u) -> u32 { return (group.y * groups.x + group.x) * wide; }

// What the `deep` invocations of a quad have added up, in all; the first of them gets it.
fn add_deep(lane: u32, total: vec4f) -> vec4f {
  if (deep == 1) { return total; }
  quad_totals[lane] = total;
  for (var half = lanes / 2; half >= wide; half /= 2) {
    workgroupBarrier();
    if (lane < half) { quad_totals[lane] += quad_totals[lane + half]; }
  }
  return quad_totals[lane];
}

// x [rows, quads], partial [chunks, quads]. `deep` invocations a quad and a chunk of rows; those of `wide` quads, one
// after the other, are a workgroup.
@compute @workgroup_size(lanes)
fn columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = first_of(group, groups) + lane % wide;
  let quad = i % quads;
  let first = i / quads * chunk;
  var total = vec4f();
  for (var row = first + lane / wide; row < min(first + chunk, rows); row += deep) {
    total += vec4f(x[row * quads + quad]);
  }
  total = add_deep(lane, total);
  if (lane < wide && first < rows) { partial[i] = total; }
}

@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

// x [rows, quads] (the partial sums), y [quads]. One workgroup a quad.
@compute @workgroup_size(lanes)
fn columns_finish(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var total = vec4f();
  for (var row = lane; row < rows; row += lanes) {
    total += vec4f(x[row * quads + group.x]);
  }
  quad_totals[lane] = total;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { quad_totals[lane] += quad_totals[lane + half]; }
  }
  if (lane == 0) { y[group.x] = quad_totals[0]; }
}

// The whole sums over the rows of several x side by side, one after the other in the numbering of invocations; or, for
// two_rows and four_rows, each x's whole sum as one row, a workgroup each.
override rows1: u32 = 0;
override rows2: u32 = 0;
override rows3: u32 = 0;
override quads1: u32 = 0;
override quads2: u32 = 0;
override quads3: u32 = 0;
override factor1: f32 = 1;
override factor2: f32 = 1;
override factor3: f32 = 1;
@group(0) @binding(1) var<storage, read> x1: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> y0_of_two: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y1_of_two: array<vec4f>;

fn sum0(quad: u32, first: u32) -> vec4f {
  var total = vec4f();
  for (var row = first; row < rows; row += deep) { total += vec4f(x[row * quads + quad]); }
  return total;
}

fn sum1(quad: u32, first: u32) -> vec4f {
  var total = vec4f();
  for (var row = first; row < rows1; row += deep) { total += vec4f(x1[row * quads1 + quad]); }
  return total;
}

@compute @workgroup_size(lanes)
fn two_columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = first_of(group, groups) + lane % wide;
  let i1 = i - quads;
  var total = vec4f();
  if (i < quads) {
    total = sum0(i, lane / wide);
  } else if (i1 < quads1) {
    total = sum1(i1, lane / wide);
  }
  total = add_deep(lane, total);
  if (lane >= wide) { return; }
  if (i < quads) {
    y0_of_two[i] = total;
  } else if (i1 < quads1) {
    y1_of_two[i1] = total;
  }
}

@group(0) @binding(2) var<storage, read> x2: array<vec4<real>>;
@group(0) @binding(3) var<storage, read> x3: array<vec4<real>>;
@group(0) @binding(4) var<storage, read_write> y0: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y1: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y2: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y3: array<vec4f>;

fn sum2(quad: u32, first: u32) -> vec4f {
  var total = vec4f();
  for (var row = first; row < rows2; row += deep) { total += vec4f(x2[row * quads2 + quad]); }
  return total;
}

fn sum3(quad: u32, first: u32) -> vec4f {
  var total = vec4f();
  for (var row = first; row < rows3; row += deep) { total += vec4f(x3[row * quads3 + quad]); }
  return total;
}

@compute @workgroup_size(lanes)
fn four_columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = first_of(group, groups) + lane % wide;
  let i1 = i - quads;
  let i2 = i1 - quads1;
  let i3 = i2 - quads2;
  var total = vec4f();
  if (i < quads) {
    total = sum0(i, lane / wide);
  } else if (i1 < quads1) {
    total = sum1(i1, lane / wide);
  } else if (i2 < quads2) {
    total = sum2(i2, lane / wide);
  } else if (i3 < quads3) {
    total = sum3(i3, lane / wide);
  }
  total = add_deep(lane, total);
  if (lane >= wide) { return; }
  if (i < quads) {
    y0[i] = total;
  } else if (i1 < quads1) {
    y1[i1] = total;
  } else if (i2 < quads2) {
    y2[i2] = total;
  } else if (i3 < quads3) {
    y3[i3] = total;
  }
}

@group(0) @binding(1) var<storage, read_write> row_sums: array<f32>;
var<workgroup> totals: array<f32, lanes>;

// What the lanes have added up, in all; the first lane gets it.
fn add_lanes(lane: u32, total: vec4f) -> f32 {
  totals[lane] = total.x + total.y + total.z + total.w;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { totals[lane] += totals[lane + half]; }
  }
  return totals[lane];
}

// x [rows, chunk] with the last row possibly short, row_sums [rows, padded to a multiple of four with zeros].
// One workgroup a row.
@compute @workgroup_size(lanes)
fn row(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * groups.x + group.x;
  var total = vec4f();
  for (var i = row * chunk + lane; i < min((row + 1) * chunk, quads); i += lanes) {
    total += vec4f(x[i]);
  }
  let sum = add_lanes(lane, total);
  if (lane == 0 && row < (rows + 3) / 4 * 4) { row_sums[row] = factor * sum; }
}

@compute @workgroup_size(lanes)
fn two_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var total = vec4f();
  switch (group.x) {
    case 0u: { for (var i = lane; i < quads; i += lanes) { total += vec4f(x[i]); } }
    default: { for (var i = lane; i < quads1; i += lanes) { total += vec4f(x1[i]); } }
  }
  let sum = add_lanes(lane, total);
  if (lane > 0) { return; }
  switch (group.x) {
    case 0u: { y0_of_two[0] = vec4f(factor * sum, 0, 0, 0); }
    default: { y1_of_two[0] = vec4f(factor1 * sum, 0, 0, 0); }
  }
}

@compute @workgroup_size(lanes)
fn four_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var total = vec4f();
  switch (group.x) {
    case 0u: { for (var i = lane; i < quads; i += lanes) { total += vec4f(x[i]); } }
    case 1u: { for (var i = lane; i < quads1; i += lanes) { total += vec4f(x1[i]); } }
    case 2u: { for (var i = lane; i < quads2; i += lanes) { total += vec4f(x2[i]); } }
    default: { for (var i = lane; i < quads3; i += lanes) { total += vec4f(x3[i]); } }
  }
  let sum = add_lanes(lane, total);
  if (lane > 0) { return; }
  switch (group.x) {
    case 0u: { y0[0] = vec4f(factor * sum, 0, 0, 0); }
    case 1u: { y1[0] = vec4f(factor1 * sum, 0, 0, 0); }
    case 2u: { y2[0] = vec4f(factor2 * sum, 0, 0, 0); }
    default: { y3[0] = vec4f(factor3 * sum, 0, 0, 0); }
  }
}
