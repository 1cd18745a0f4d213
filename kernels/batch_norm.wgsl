alias real = f32;
// Batch normalisation over all pixels of a channel (count of them = rows):
//   y = (x - mean) * deviation * weight + bias,  deviation = (variance + epsilon)^(-1/2), the biased variance
//   running += momentum * (new - running), with the unbiased variance
//   vjp: dbias = sum dy, dweight = sum dy xhat,
//        dx = weight * deviation * (dy - dbias / rows - xhat * dweight / rows)   (training)
//        dx = weight * deviation * dy                                            (evaluation)
// Merged with their neighbours: y is added to, then rectified; dy is first gated by y > 0, from y computed anew; dx is
// added to.
// Layout: x, y, dy, dx, addend [rows, quads] vec4s of channels; parts [parts, 2, quads]; statistics [2, quads], the
// mean and the deviation; everything else [quads].
// A workgroup takes `width` quads of `chunk` rows; its lanes stride over the rows. Sums are two-pass in a fixed order: a
// pass that writes a part a workgroup, then every workgroup of the next pass adds up the parts, all in the same order.
// A part of the moments is a mean and a sum of squared deviations from it, so that a large mean costs no digits; the
// convolution that made x may have written them in its store, or finer ones, which a pass of its own then merges.
override rows: u32;
override all_rows: u32 = 1; // of all ranks, where the moments and sums are theirs; otherwise rows
override quads: u32;
override channels: u32 = 0; // where a deviation is computed: channels in all
override chunk: u32 = 1; // rows of a workgroup
override parts: u32 = 1; // to add up
override part: u32 = 1; // rows of each, of moments; the last may have fewer
override width: u32 = 1; // quads of a workgroup, a power of two
override epsilon: f32 = 1e-5;
override momentum: f32 = 0.1;
override training: bool = true;
override synced: bool = false; // vjp: the first part has this rank's sums, the second those of the others
override rectified: bool = false;
override gated: bool = false;
override added: bool = false;
override in_place: bool = false; // x lies where y is written, dy where dx is
override lanes: u32 = 128;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;

var<workgroup> firsts: array<vec4f, lanes>;
var<workgroup> seconds: array<vec4f, lanes>;

// Adds up two values over the lanes of a quad; the first `width` lanes then hold the totals.
fn add_lanes(lane: u32, first: vec4f, second: vec4f) {
  firsts[lane] = first;
  seconds[lane] = second;
  for (var half = lanes / 2; half >= width; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      firsts[lane] += firsts[lane + half];
      seconds[lane] += seconds[lane + half];
    }
  }
  workgroupBarrier();
}

fn quad_of(group: vec3u, lane: u32) -> u32 { return group.y * width + lane % width; }
fn first_row(group: vec3u, lane: u32) -> u32 { return group.x * chunk + lane / width; }
fn end_row(group: vec3u) -> u32 { return min((group.x + 1) * chunk, rows); }

// (variance + epsilon)^(-1/2), zero in the padding even where epsilon is.
fn deviation_of(variance: vec4f, quad: u32) -> vec4f {
  let channel = quad * 4 + vec4u(0, 1, 2, 3);
  return select(vec4f(), inverseSqrt(variance + epsilon), channel < vec4u(channels));
}

fn normal(value: vec4<real>, mean: vec4f, deviation: vec4f, slope: vec4f, shift: vec4f) -> vec4f {
  return (vec4f(value) - mean) * deviation * slope + shift;
}

// By the bits, since a driver may make max of a comparison, which drops NaN: the negative numbers go from 0x80000001,
// the least, to 0xff800000, -Infinity.
fn rectify(value: vec4f) -> vec4f {
  if (!rectified) { return value; }
  return select(value, vec4f(), bitcast<vec4u>(value) - 0x80000001u < vec4u(0x7f800000u));
}

@group(0) @binding(1) var<storage, read_write> moment_parts: array<vec4f>;

// Means and sums of squared deviations.
@compute @workgroup_size(lanes)
fn moments(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  var origin = vec4f();
  var total = vec4f();
  var squares = vec4f();
  if (quad < quads) {
    origin = vec4f(x[group.x * chunk * quads + quad]);
    for (var row = first_row(group, lane); row < end_row(group); row += lanes / width) {
      let d = vec4f(x[row * quads + quad]) - origin;
      total += d;
      squares += d * d;
    }
  }
  add_lanes(lane, total, squares);
  if (lane < width && quad < quads) {
    let shift = firsts[lane] / f32(end_row(group) - group.x * chunk);
    moment_parts[group.x * 2 * quads + quad] = origin + shift;
    moment_parts[(group.x * 2 + 1) * quads + quad] = max(seconds[lane] - firsts[lane] * shift, vec4f());
  }
}

@group(0) @binding(1) var<storage, read> moment_sums: array<vec4f>; // parts
@group(0) @binding(2) var<storage, read> offset: array<vec4f>; // bias
@group(0) @binding(4) var<storage, read> summand: array<vec4<real>>; // any tensor, where nothing is added
@group(0) @binding(5) var<storage, read_write> y: array<vec4<real>>;
@group(0) @binding(6) var<storage, read_write> new_statistics: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> running_mean: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> running_variance: array<vec4f>;

struct Moments { mean: vec4f, squares: vec4f }

// The moments of `count` rows, whose parts begin with number `first`; every lane gets those of its quad.
fn merged(lane: u32, quad: u32, first: u32, count: u32) -> Moments {
  let end = first + (count + part - 1) / part;
  var origin = vec4f();
  var total = vec4f();
  var squares = vec4f();
  if (quad < quads) {
    origin = moment_sums[first * 2 * quads + quad];
    for (var at = first + lane / width; at < end; at += lanes / width) {
      let d = moment_sums[at * 2 * quads + quad] - origin;
      let n = f32(min(part, rows - at * part));
      total += n * d;
      squares += moment_sums[(at * 2 + 1) * quads + quad] + n * d * d;
    }
  }
  add_lanes(lane, total, squares);
  total = firsts[lane % width];
  let shift = total / f32(count);
  return Moments(origin + shift, max(seconds[lane % width] - total * shift, vec4f()));
}

@group(0) @binding(2) var<storage, read_write> merged_parts: array<vec4f>;

// Parts of `chunk` rows of finer ones.
@compute @workgroup_size(lanes)
fn merge_moments(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  let first_row = group.x * chunk;
  let all = merged(lane, quad, first_row / part, min(chunk, rows - first_row));
  if (lane < width && quad < quads) {
    merged_parts[group.x * 2 * quads + quad] = all.mean;
    merged_parts[(group.x * 2 + 1) * quads + quad] = all.squares;
  }
}

// y with the batch's statistics. The workgroups of the first rows keep the statistics.
@compute @workgroup_size(lanes)
fn normalise_batch(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  let all = merged(lane, quad, 0, rows);
  if (quad >= quads) { return; }
  let mean = all.mean;
  let deviation = deviation_of(all.squares / f32(all_rows), quad);
  if (group.x == 0 && lane < width) {
    new_statistics[quad] = mean;
    new_statistics[quads + quad] = deviation;
    let unbiased = all.squares / f32(all_rows - 1);
    running_mean[quad] += momentum * (mean - running_mean[quad]);
    running_variance[quad] += momentum * (unbiased - running_variance[quad]);
  }
  let slope = weight[quad];
  let shift = offset[quad];
  for (var row = first_row(group, lane); row < end_row(group); row += lanes / width) {
    let at = row * quads + quad;
    let value = normal(x[at], mean, deviation, slope, shift);
    if (added) {
      y[at] = vec4<real>(rectify(value + vec4f(summand[at])));
    } else {
      y[at] = vec4<real>(rectify(value));
    }
  }
}

@group(0) @binding(1) var<storage, read> given_mean: array<vec4f>;
@group(0) @binding(2) var<storage, read> given_variance: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> given_summand: array<vec4<real>>; // likewise
@group(0) @binding(6) var<storage, read_write> given_y: array<vec4<real>>;

// y with given statistics.
@compute @workgroup_size(lanes)
fn normalise(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  if (quad >= quads) { return; }
  let mean = given_mean[quad];
  let deviation = deviation_of(given_variance[quad], quad);
  let slope = weight[quad];
  let shift = bias[quad];
  for (var row = first_row(group, lane); row < end_row(group); row += lanes / width) {
    let at = row * quads + quad;
    var raw = vec4<real>();
    if (in_place) { raw = given_y[at]; } else { raw = x[at]; }
    let value = normal(raw, mean, deviation, slope, shift);
    if (added) {
      given_y[at] = vec4<real>(rectify(value + vec4f(given_summand[at])));
    } else {
      given_y[at] = vec4<real>(rectify(value));
    }
  }
}

@group(0) @binding(0) var<storage, read> frozen_mean: array<vec4f>;
@group(0) @binding(1) var<storage, read> frozen_variance: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> frozen: array<vec4f>; // statistics

// Given statistics in the form that the vjp reads. One invocation a quad.
@compute @workgroup_size(lanes)
fn freeze(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= quads) { return; }
  frozen[id.x] = frozen_mean[id.x];
  frozen[quads + id.x] = deviation_of(frozen_variance[id.x], id.x);
}

@group(0) @binding(1) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(5) var<storage, read_write> sum_parts: array<vec4f>;

// The upstream gradient g of one vec4, gated if need be.
fn gate(g: vec4f, at: u32, mean: vec4f, deviation: vec4f, slope: vec4f, shift: vec4f) -> vec4f {
  if (!gated) { return g; }
  return select(vec4f(), g, normal(x[at], mean, deviation, slope, shift) > vec4f());
}

// Sums of dy and of dy * xhat.
@compute @workgroup_size(lanes)
fn vjp_sums(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  var total = vec4f();
  var products = vec4f();
  if (quad < quads) {
    let mean = statistics[quad];
    let deviation = statistics[quads + quad];
    let slope = weight[quad];
    let shift = bias[quad];
    for (var row = first_row(group, lane); row < end_row(group); row += lanes / width) {
      let at = row * quads + quad;
      let g = gate(vec4f(dy[at]), at, mean, deviation, slope, shift);
      total += g;
      products += g * (vec4f(x[at]) - mean) * deviation;
    }
  }
  add_lanes(lane, total, products);
  if (lane < width && quad < quads) {
    sum_parts[group.x * 2 * quads + quad] = firsts[lane];
    sum_parts[(group.x * 2 + 1) * quads + quad] = seconds[lane];
  }
}

@group(0) @binding(5) var<storage, read> sums: array<vec4f>; // parts
@group(0) @binding(6) var<storage, read> addend: array<vec4<real>>; // any tensor, where nothing is added
@group(0) @binding(7) var<storage, read_write> dx: array<vec4<real>>;
@group(0) @binding(8) var<storage, read_write> dbias: array<vec4f>;
@group(0) @binding(9) var<storage, read_write> dweight: array<vec4f>;

// dx. The workgroups of the first rows keep the sums.
@compute @workgroup_size(lanes)
fn vjp(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = quad_of(group, lane);
  var total = vec4f();
  var product = vec4f();
  if (quad < quads) {
    for (var at = lane / width; at < parts; at += lanes / width) {
      total += sums[at * 2 * quads + quad];
      product += sums[(at * 2 + 1) * quads + quad];
    }
  }
  add_lanes(lane, total, product);
  if (quad >= quads) { return; }
  total = firsts[lane % width];
  product = seconds[lane % width];
  if (group.x == 0 && lane < width) {
    dbias[quad] = total;
    dweight[quad] = product;
    if (synced) {
      dbias[quad] = sums[quad];
      dweight[quad] = sums[quads + quad];
    }
  }
  let mean = statistics[quad];
  let deviation = statistics[quads + quad];
  let slope = weight[quad];
  let shift = bias[quad];
  for (var row = first_row(group, lane); row < end_row(group); row += lanes / width) {
    let at = row * quads + quad;
    var g = vec4f();
    if (in_place) { g = vec4f(dx[at]); } else { g = vec4f(dy[at]); }
    g = gate(g, at, mean, deviation, slope, shift);
    if (training) {
      g -= (total + (vec4f(x[at]) - mean) * deviation * product) / f32(all_rows);
    }
    g *= slope * deviation;
    if (added) { g += vec4f(addend[at]); }
    dx[at] = vec4<real>(g);
  }
}
