alias real = f32;
// Batch normalisation over all pixels of a channel (count of them = rows):
//   y = (x - mean) * deviation * weight + bias,  deviation = (variance + epsilon)^(-1/2), the biased variance
//   running += momentum * (new - running), with the unbiased variance
//   vjp: dbias = sum dy, dweight = sum dy xhat,
//        dx = weight * deviation * (dy - dbias / rows - xhat * dweight / rows)   (training)
//        dx = weight * deviation * dy                                            (evaluation)
// Layout: x, y, dy, dx [rows, quads] vec4s of channels; everything else [quads].
// The sums are two-pass in a fixed order: a partial sum a chunk of rows, then one workgroup a quad adds the chunks.
// The variance is taken about the first row, so that a large mean costs no digits.
override rows: u32;
override quads: u32;
override channels: u32 = 0; // statistics and freeze: channels in all
override chunk: u32 = 1; // rows that one invocation of a partial sum adds
override chunks: u32 = 1;
override epsilon: f32 = 1e-5;
override momentum: f32 = 0.1;
override training: bool = true;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> first: array<vec4f>; // partial sums [chunks, quads]
@group(0) @binding(2) var<storage, read_write> second: array<vec4f>;

// (variance + epsilon)^(-1/2), zero in the padding even where epsilon is.
fn deviation_of(variance: vec4f, quad: u32) -> vec4f {
  let channel = quad * 4 + vec4u(0, 1, 2, 3);
  return select(vec4f(), inverseSqrt(variance + epsilon), channel < vec4u(channels));
}

// Sums of x - x[0] and of its square. One invocation a quad and a chunk.
@compute @workgroup_size(lanes)
fn moments(@builtin(global_invocation_id) id: vec3u) {
  let quad = id.x % quads;
  let begin = id.x / quads * chunk;
  if (begin >= rows) { return; }
  let origin = vec4f(x[quad]);
  var total = vec4f();
  var squares = vec4f();
  for (var row = begin; row < min(begin + chunk, rows); row++) {
    let d = vec4f(x[row * quads + quad]) - origin;
    total += d;
    squares += d * d;
  }
  first[id.x] = total;
  second[id.x] = squares;
}

var<workgroup> firsts: array<vec4f, lanes>;
var<workgroup> seconds: array<vec4f, lanes>;

// Adds up what each lane holds; lane 0 then has the totals in firsts[0] and seconds[0].
fn add_lanes(lane: u32) {
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      firsts[lane] += firsts[lane + half];
      seconds[lane] += seconds[lane + half];
    }
  }
  workgroupBarrier();
}

@group(0) @binding(1) var<storage, read> first_parts: array<vec4f>;
@group(0) @binding(2) var<storage, read> second_parts: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> deviation: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> running_mean: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> running_variance: array<vec4f>;

// One workgroup a quad.
@compute @workgroup_size(lanes)
fn statistics(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = group.x;
  var total = vec4f();
  var squares = vec4f();
  for (var part = lane; part < chunks; part += lanes) {
    total += first_parts[part * quads + quad];
    squares += second_parts[part * quads + quad];
  }
  firsts[lane] = total;
  seconds[lane] = squares;
  add_lanes(lane);
  if (lane != 0) { return; }
  let shift = firsts[0] / f32(rows);
  let sum_of_squares = max(seconds[0] - firsts[0] * shift, vec4f());
  let batch_mean = vec4f(x[quad]) + shift;
  mean[quad] = batch_mean;
  deviation[quad] = deviation_of(sum_of_squares / f32(rows), quad);
  let unbiased = sum_of_squares / f32(rows - 1);
  running_mean[quad] += momentum * (batch_mean - running_mean[quad]);
  running_variance[quad] += momentum * (unbiased - running_variance[quad]);
}

@group(0) @binding(0) var<storage, read> variance: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> frozen: array<vec4f>;

// The deviation of a given variance. One invocation a quad.
@compute @workgroup_size(lanes)
fn freeze(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= quads) { return; }
  frozen[id.x] = deviation_of(variance[id.x], id.x);
}

@group(0) @binding(1) var<storage, read> centre: array<vec4f>; // mean
@group(0) @binding(2) var<storage, read> factor: array<vec4f>; // deviation
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<real>>;

override strip: u32 = 1; // rows that one invocation of `normalise` and `vjp_input` goes over

// One invocation a quad and a strip of rows, so that the channels' values are loaded once.
@compute @workgroup_size(lanes)
fn normalise(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let quad = i % quads;
  let begin = i / quads * strip;
  if (begin >= rows) { return; }
  let origin = centre[quad];
  let inverse = factor[quad];
  let slope = weight[quad];
  let shift = bias[quad];
  for (var row = begin; row < min(begin + strip, rows); row++) {
    let at = row * quads + quad;
    y[at] = vec4<real>((vec4f(x[at]) - origin) * inverse * slope + shift);
  }
}

@group(0) @binding(3) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(4) var<storage, read_write> bias_parts: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> weight_parts: array<vec4f>;

// Sums of dy and of dy * xhat. One invocation a quad and a chunk.
@compute @workgroup_size(lanes)
fn vjp_sums(@builtin(global_invocation_id) id: vec3u) {
  let quad = id.x % quads;
  let begin = id.x / quads * chunk;
  if (begin >= rows) { return; }
  let origin = centre[quad];
  let inverse = factor[quad];
  var total = vec4f();
  var products = vec4f();
  for (var row = begin; row < min(begin + chunk, rows); row++) {
    let at = row * quads + quad;
    let g = vec4f(dy[at]);
    total += g;
    products += g * (vec4f(x[at]) - origin) * inverse;
  }
  bias_parts[id.x] = total;
  weight_parts[id.x] = products;
}

@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read> other_parts: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dbias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dweight: array<vec4f>;

// One workgroup a quad.
@compute @workgroup_size(lanes)
fn vjp_parameters(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var total = vec4f();
  var products = vec4f();
  for (var part = lane; part < chunks; part += lanes) {
    total += parts[part * quads + group.x];
    products += other_parts[part * quads + group.x];
  }
  firsts[lane] = total;
  seconds[lane] = products;
  add_lanes(lane);
  if (lane != 0) { return; }
  dbias[group.x] = firsts[0];
  dweight[group.x] = seconds[0];
}

@group(0) @binding(4) var<storage, read> scale: array<vec4f>; // weight
@group(0) @binding(5) var<storage, read> sum_dy: array<vec4f>; // dbias
@group(0) @binding(6) var<storage, read> sum_product: array<vec4f>; // dweight
@group(0) @binding(7) var<storage, read_write> dx: array<vec4<real>>;

// One invocation a quad and a strip of rows.
@compute @workgroup_size(lanes)
fn vjp_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let quad = i % quads;
  let begin = i / quads * strip;
  if (begin >= rows) { return; }
  let origin = centre[quad];
  let inverse = factor[quad];
  let slope = scale[quad] * inverse;
  let total = sum_dy[quad];
  let product = sum_product[quad];
  for (var row = begin; row < min(begin + strip, rows); row++) {
    let at = row * quads + quad;
    var g = vec4f(dy[at]);
    if (training) {
      g -= (total + (vec4f(x[at]) - origin) * inverse * product) / f32(rows);
    }
    dx[at] = vec4<real>(slope * g);
  }
}
