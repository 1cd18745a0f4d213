alias real = f32;
// The sums of sum.wgsl that one workgroup finishes, for devices with subgroups: lanes that run together add up among
// themselves, and the first lane adds what the subgroups came to, in their order.
//   columns_finish: y[c] = sum_r x[r, c]         row: y[r] = factor * sum_c x[r, c]
//   two_rows, four_rows: the same of several x, all of each a row
// Layout: as in sum.wgsl. A file of its own, since a device without subgroups must not compile it.
override lanes: u32 = 64;
override quads: u32; // columns_finish: vec4s a row; row: vec4s in all
override rows: u32;
override factor: f32 = 1; // row
override chunk: u32; // row: vec4s a row

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
var<workgroup> totals: array<vec4f, lanes>;

// What the subgroups came to, in all; the first lane of the workgroup gets it.
fn add_subgroups(total: vec4f, first: bool, subgroup: u32, subgroups: u32) -> vec4f {
  if (first) { totals[subgroup] = total; }
  workgroupBarrier();
  var all = totals[0];
  for (var at = 1u; at < subgroups; at++) { all += totals[at]; }
  return all;
}

// x [rows, quads], y [quads]. One workgroup a quad.
@compute @workgroup_size(lanes)
fn columns_finish(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) place: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
) {
  var total = vec4f();
  for (var row = lane; row < rows; row += lanes) {
    total += vec4f(x[row * quads + group.x]);
  }
  let all = add_subgroups(subgroupAdd(total), place == 0, subgroup, subgroups);
  if (lane == 0) { y[group.x] = all; }
}

@group(0) @binding(1) var<storage, read_write> row_sums: array<f32>;

// x [rows, chunk] with the last row possibly short, row_sums [rows, padded to a multiple of four with zeros].
// One workgroup a row.
@compute @workgroup_size(lanes)
fn row(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) place: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
) {
  let row = group.y * groups.x + group.x;
  var total = vec4f();
  for (var i = row * chunk + lane; i < min((row + 1) * chunk, quads); i += lanes) {
    total += vec4f(x[i]);
  }
  let all = add_subgroups(subgroupAdd(total), place == 0, subgroup, subgroups);
  if (lane == 0 && row < (rows + 3) / 4 * 4) {
    row_sums[row] = factor * (all.x + all.y + all.z + all.w);
  }
}

override quads1: u32 = 0;
override quads2: u32 = 0;
override quads3: u32 = 0;
override factor1: f32 = 1;
override factor2: f32 = 1;
override factor3: f32 = 1;
@group(0) @binding(1) var<storage, read> x1: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> y0_of_two: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y1_of_two: array<vec4f>;
@group(0) @binding(2) var<storage, read> x2: array<vec4<real>>;
@group(0) @binding(3) var<storage, read> x3: array<vec4<real>>;
@group(0) @binding(4) var<storage, read_write> y0: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y1: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y2: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y3: array<vec4f>;

@compute @workgroup_size(lanes)
fn two_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) place: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
) {
  var total = vec4f();
  switch (group.x) {
    case 0u: { for (var i = lane; i < quads; i += lanes) { total += vec4f(x[i]); } }
    default: { for (var i = lane; i < quads1; i += lanes) { total += vec4f(x1[i]); } }
  }
  let all = add_subgroups(subgroupAdd(total), place == 0, subgroup, subgroups);
  let sum = all.x + all.y + all.z + all.w;
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
  @builtin(subgroup_invocation_id) place: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
) {
  var total = vec4f();
  switch (group.x) {
    case 0u: { for (var i = lane; i < quads; i += lanes) { total += vec4f(x[i]); } }
    case 1u: { for (var i = lane; i < quads1; i += lanes) { total += vec4f(x1[i]); } }
    case 2u: { for (var i = lane; i < quads2; i += lanes) { total += vec4f(x2[i]); } }
    default: { for (var i = lane; i < quads3; i += lanes) { total += vec4f(x3[i]); } }
  }
  let all = add_subgroups(subgroupAdd(total), place == 0, subgroup, subgroups);
  let sum = all.x + all.y + all.z + all.w;
  if (lane > 0) { return; }
  switch (group.x) {
    case 0u: { y0[0] = vec4f(factor * sum, 0, 0, 0); }
    case 1u: { y1[0] = vec4f(factor1 * sum, 0, 0, 0); }
    case 2u: { y2[0] = vec4f(factor2 * sum, 0, 0, 0); }
    default: { y3[0] = vec4f(factor3 * sum, 0, 0, 0); }
  }
}
