// Maps of another size. Both ways are linear, and separable in rows and columns:
//   y[n, oy, ox] = sum_iy w(oy, iy) sum_ix w(ox, ix) x[n, iy, ix]
//   vjp: dx[n, iy, ix] = sum_oy w(oy, iy) sum_ox w(ox, ix) dy[n, oy, ox].  The two are each other's vjp.
// With I and O the sizes of a side before and after, an output o is
//   pool: the mean over floor(o I / O) <= i < ceil((o + 1) I / O), as PyTorch's adaptive_avg_pool2d
//   bilinear: w(o, i) = max(0, 1 - |s - i|) at s = (o + 1/2) I / O - 1/2 kept between 0 and I - 1, as its
//   F.interpolate(mode="bilinear", align_corners=False)
// Layout: x, dx [N, in_stored], y, dy [N, out_stored]; a map's numbers row by row, then zeros to a multiple of four.
// One invocation a number of what is written.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_stored: u32;
override out_height: u32;
override out_width: u32;
override out_stored: u32;
override pool: bool;
override lanes: u32 = 64;

// A side of the maps, before and after.
struct Side { before: u32, after: u32 }

// The first of the inputs that reach an output, and the one past the last.
fn inputs_of(o: u32, side: Side) -> vec2u {
  if (pool) {
    return vec2u(o * side.before / side.after, ((o + 1) * side.before + side.after - 1) / side.after);
  }
  let first = u32(source(o, side));
  return vec2u(first, min(first + 2, side.before));
}

// The first of the outputs that an input may reach, and the one past the last; some may have no weight.
fn outputs_of(i: u32, side: Side) -> vec2u {
  if (pool) {
    return vec2u(i * side.after / side.before, ((i + 1) * side.after + side.before - 1) / side.before);
  }
  let ratio = f32(side.after) / f32(side.before);
  let bounds = vec2u(max((f32(i) + vec2f(-0.5, 1.5)) * ratio - 0.5, vec2f()));
  return vec2u(bounds.x, min(bounds.y + 1, side.after));
}

// Where an output lies among the inputs.
fn source(o: u32, side: Side) -> f32 {
  let s = (f32(o) + 0.5) * f32(side.before) / f32(side.after) - 0.5;
  return clamp(s, 0, f32(side.before - 1));
}

fn weight(o: u32, i: u32, side: Side) -> f32 {
  if (pool) {
    let inputs = inputs_of(o, side);
    return 1 / f32(inputs.y - inputs.x);
  }
  return max(0, 1 - abs(source(o, side) - f32(i)));
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * lanes + lane;
  if (at >= batch * out_stored) { return; }
  let rows = Side(in_height, out_height);
  let columns = Side(in_width, out_width);
  let n = at / out_stored;
  let oy = at % out_stored / out_width;
  let ox = at % out_stored % out_width;
  var total = 0f;
  if (oy < out_height) {
    let iys = inputs_of(oy, rows);
    let ixs = inputs_of(ox, columns);
    for (var iy = iys.x; iy < iys.y; iy++) {
      var row = 0f;
      for (var ix = ixs.x; ix < ixs.y; ix++) {
        row += weight(ox, ix, columns) * x[n * in_stored + iy * in_width + ix];
      }
      total += weight(oy, iy, rows) * row;
    }
  }
  y[at] = total;
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(lanes)
fn vjp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * lanes + lane;
  if (at >= batch * in_stored) { return; }
  let rows = Side(in_height, out_height);
  let columns = Side(in_width, out_width);
  let n = at / in_stored;
  let iy = at % in_stored / in_width;
  let ix = at % in_stored % in_width;
  var total = 0f;
  if (iy < in_height) {
    let oys = outputs_of(iy, rows);
    let oxs = outputs_of(ix, columns);
    for (var oy = oys.x; oy < oys.y; oy++) {
      var row = 0f;
      for (var ox = oxs.x; ox < oxs.y; ox++) {
        row += weight(ox, ix, columns) * dy[n * out_stored + oy * out_width + ox];
      }
      total += weight(oy, iy, rows) * row;
    }
  }
  dx[at] = total;
}
