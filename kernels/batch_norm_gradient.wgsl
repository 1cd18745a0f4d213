// The vjp of batch normalisation's dx in training, for the gradient of a gradient. With means over the rows of a channel,
//   dx = weight r (dy - m1 - xhat m2),   m1 = mean dy,  m2 = mean dy xhat,  xhat = (x - mean) r,  r = deviation
// and g the upstream gradient of dx:
//   g1 = mean g,  g2 = mean g xhat,  q = mean g dy - g1 m1 - g2 m2
//   ddy = weight r (g - g1 - xhat g2)
//   x_bar = -weight r^2 (m2 (g - g1) + g2 (dy - m1) + xhat (q - 2 m2 g2))
//   dweight = rows r q
// Layout: x, dy, g, ddy, x_bar [rows, quads] vec4s of channels; statistics [2, quads], the mean and the deviation; parts
// [parts, 5, quads]; weight, dweight [quads].
// Workgroups and the order of sums are those of batch_norm.wgsl.
override rows: u32;
override quads: u32;
override chunk: u32 = 1; // rows of a workgroup
override parts: u32 = 1; // to add up
override width: u32 = 1; // quads of a workgroup, a power of two
override lanes: u32 = 128;
const SUMS = 5u; // of dy, dy xhat, g, g xhat and g dy

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> g: array<vec4f>;

var<workgroup> values: array<vec4f, lanes>;

// Adds up a value over the lanes of a quad; every lane gets the total of its quad.
fn sum_of_lanes(lane: u32, value: vec4f) -> vec4f {
  workgroupBarrier();
  values[lane] = value;
  for (var half = lanes / 2; half >= width; half /= 2) {
    workgroupBarrier();
    if (lane < half) { values[lane] += values[lane + half]; }
  }
  workgroupBarrier();
  return values[lane % width];
}

fn quad_of(group: vec3u, lane: u32) -> u32 { return group.y * width + lane % width; }
fn first_row(group: vec3u, lane: u32) -> u32 { return group.x * chunk + lane / width; }
fn end_row(group: vec3u) -> u32 { return min((group.x + 1) * chunk, rows); }

@group(0) @binding(4) var<storage, read_write> sum_parts: array<vec4f>;

@compute @workgroup_size(lanes)
fn sums(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  var total = array<vec4f, SUMS>();
  if (quad < quads) {
    let mean = statistics[quad];
    let deviation = statistics[quads + quad];
    for (var row = first_row(group, lane); row < end_row(group); row += lanes / width) {
      let at = row * quads + quad;
      let xhat = (x[at] - mean) * deviation;
      let d = dy[at];
      let u = g[at];
      total[0] += d;
      total[1] += d * xhat;
      total[2] += u;
      total[3] += u * xhat;
      total[4] += u * d;
    }
  }
  for (var sum = 0u; sum < SUMS; sum++) {
    let value = sum_of_lanes(lane, total[sum]);
    if (lane < width && quad < quads) { sum_parts[(group.x * SUMS + sum) * quads + quad] = value; }
  }
}

@group(0) @binding(4) var<storage, read> weight: array<vec4f>;
@group(0) @binding(5) var<storage, read> all_parts: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> ddy: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> x_bar: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dweight: array<vec4f>;

// The workgroups of the first rows keep dweight.
@compute @workgroup_size(lanes)
fn vjp(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  var means = array<vec4f, SUMS>();
  for (var sum = 0u; sum < SUMS; sum++) {
    var total = vec4f();
    if (quad < quads) {
      for (var at = lane / width; at < parts; at += lanes / width) {
        total += all_parts[(at * SUMS + sum) * quads + quad];
      }
    }
    means[sum] = sum_of_lanes(lane, total) / f32(rows);
  }
  if (quad >= quads) { return; }
  let m1 = means[0];
  let m2 = means[1];
  let g1 = means[2];
  let g2 = means[3];
  let q = means[4] - g1 * m1 - g2 * m2;
  let mean = statistics[quad];
  let deviation = statistics[quads + quad];
  let slope = weight[quad] * deviation;
  if (group.x == 0 && lane < width) { dweight[quad] = f32(rows) * deviation * q; }
  for (var row = first_row(group, lane); row < end_row(group); row += lanes / width) {
    let at = row * quads + quad;
    let xhat = (x[at] - mean) * deviation;
    let u = g[at] - g1;
    ddy[at] = slope * (u - xhat * g2);
    x_bar[at] = -slope * deviation * (m2 * u + g2 * (dy[at] - m1) + xhat * (q - 2 * m2 * g2));
  }
}
