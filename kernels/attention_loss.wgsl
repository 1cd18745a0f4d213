alias real = f32;
// Attention transfer of one pair of activations (Zagoruyko & Komodakis 2017, equation 2, as the original code has it):
//   m[p] = mean_c s[p, c]^2    a[p] = m[p] / max(|m|, EPSILON), a sample at a time;  b likewise from t
//   y = sum (a - b)^2 / (N positions)
// vjp for s, with d = a - b (no second term where |m| <= EPSILON; t has none):
//   slope[p] = (d[p] - a[p] <d, a>) / max(|m|, EPSILON)
//   ds[p, c] = 4 / (channels N positions) * dy * slope[p] * s[p, c]      (+ addend, merged with its neighbour)
// Layout: s, ds, addend [N, positions, quads] vec4s; t [N, positions, teacher_quads]; slope [N, positions padded to a
// multiple of four]; scratch like slope; parts [N, likewise], a sample's sum of d^2; y, dy a scalar.
// `forward` is a workgroup a sample, whose lanes stride over the positions; sum.wgsl adds up the samples; `vjp` has an
// invocation a vec4 of ds.
override batch: u32;
override positions: u32;
override stored: u32; // positions, padded
override channels: u32;
override quads: u32; // vec4s a position of s
override teacher_channels: u32 = 1;
override teacher_quads: u32 = 1;
override factor: f32 = 1; // of dy, where a product with a fixed number is merged with it
override added: bool = false;
override in_place: bool = false; // the addend lies where ds is written
override lanes: u32 = 64;
const EPSILON = 1e-12;

@group(0) @binding(0) var<storage, read> s: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> t: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> slope: array<f32>;
@group(0) @binding(3) var<storage, read_write> scratch: array<f32>;
@group(0) @binding(4) var<storage, read_write> parts: array<f32>;
var<workgroup> totals: array<vec2f, lanes>;

fn sum_of_lanes(lane: u32, value: vec2f) -> vec2f {
  workgroupBarrier();
  totals[lane] = value;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { totals[lane] += totals[lane + half]; }
  }
  workgroupBarrier();
  return totals[0];
}

// The mean squares of student and teacher at one position.
fn mean_squares(position: u32) -> vec2f {
  var student = 0f;
  for (var quad = 0u; quad < quads; quad++) {
    let v = vec4f(s[position * quads + quad]);
    student += dot(v, v);
  }
  var teacher = 0f;
  for (var quad = 0u; quad < teacher_quads; quad++) {
    let v = vec4f(t[position * teacher_quads + quad]);
    teacher += dot(v, v);
  }
  return vec2f(student / f32(channels), teacher / f32(teacher_channels));
}

@compute @workgroup_size(lanes)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.x;
  if (n >= batch) {
    if (lane == 0) { parts[n] = 0; }
    return;
  }
  var squares = vec2f();
  for (var p = lane; p < positions; p += lanes) {
    let m = mean_squares(n * positions + p);
    slope[n * stored + p] = m.x;
    scratch[n * stored + p] = m.y;
    squares += m * m;
  }
  let norms = sqrt(sum_of_lanes(lane, squares));
  let lengths = max(norms, vec2f(EPSILON));
  var sums = vec2f();
  for (var at = n * stored + lane; at < n * stored + positions; at += lanes) {
    let maps = vec2f(slope[at], scratch[at]) / lengths;
    let d = maps.x - maps.y;
    slope[at] = maps.x;
    scratch[at] = d;
    sums += d * vec2f(d, maps.x);
  }
  sums = sum_of_lanes(lane, sums);
  let along = select(0f, sums.y, norms.x > EPSILON);
  for (var at = n * stored + lane; at < n * stored + positions; at += lanes) {
    slope[at] = (scratch[at] - slope[at] * along) / lengths.x;
  }
  if (lane == 0) { parts[n] = sums.x; }
  if (lane < stored - positions) {
    slope[n * stored + positions + lane] = 0;
    scratch[n * stored + positions + lane] = 0;
  }
}

@group(0) @binding(1) var<storage, read> slopes: array<f32>; // slope
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> addend: array<vec4<real>>; // any tensor, where nothing is added
@group(0) @binding(4) var<storage, read_write> ds: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn vjp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= batch * positions * quads) { return; }
  let position = i / quads;
  let at = position / positions * stored + position % positions;
  var d = 4 / (f32(channels) * f32(batch * positions)) * (factor * dy[0]) * slopes[at] * vec4f(s[i]);
  if (in_place) { d += vec4f(ds[i]); } else if (added) { d += vec4f(addend[i]); }
  ds[i] = vec4<real>(d);
}
