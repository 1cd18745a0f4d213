alias real = f32;
// Sums that keep the channels, or a number a row:
//   columns: y[c] = sum_r x[r, c]         rows: y[r] = sum_c x[r, c]
// Their vjps are the broadcasts of broadcast.wgsl. No atomics: the order of addition is fixed. Sums are float32 whatever
// real is. A row's sum may be multiplied by a factor, where the product is merged with it.
override lanes: u32 = 64;
override quads: u32; // columns: vec4s a row; rows: vec4s in all
override rows: u32;
override factor: f32 = 1; // rows
override chunk: u32; // columns: rows that one invocation of `columns` adds; rows: vec4s a row

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4f>;

// x [rows, quads], partial [chunks, quads]. One invocation a quad and a chunk of rows.
@compute @workgroup_size(lanes)
fn columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let quad = i % quads;
  let first = i / quads * chunk;
  if (first >= rows) { return; }
  var total = vec4f();
  for (var row = first; row < min(first + chunk, rows); row++) {
    total += vec4f(x[row * quads + quad]);
  }
  partial[i] = total;
}

@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
var<workgroup> quad_totals: array<vec4f, lanes>;

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

@group(0) @binding(1) var<storage, read_write> row_sums: array<f32>;
var<workgroup> totals: array<f32, lanes>;

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
  totals[lane] = total.x + total.y + total.z + total.w;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { totals[lane] += totals[lane + half]; }
  }
  if (lane == 0 && row < (rows + 3) / 4 * 4) { row_sums[row] = factor * totals[0]; }
}
