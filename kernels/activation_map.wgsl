alias real = f32;
// Activation maps (Zagoruyko & Komodakis 2017, section 3.1), not normalised:
//   sum: y[n, p] = sum_c |x[n, p, c]|^power        max: y[n, p] = max_c |x[n, p, c]|^power
// vjp, with slope(x) = power sign(x) |x|^(power - 1), which is 0 at 0:
//   sum: dx[n, p, c] = dy[n, p] slope(x[n, p, c])
//   max: likewise where c = place[n, p], the first channel that has the maximum, and 0 elsewhere
// Layout: x, dx [N, positions, quads] vec4s; y, dy, place [N, positions padded to a multiple of four].
// The forwards have an invocation a number of y, the vjps one a vec4 of dx.
override batch: u32;
override positions: u32;
override stored: u32; // positions, padded
override quads: u32; // vec4s a position
override power: f32;
override lanes: u32 = 64;

// The exponents of the paper's maps and of their slopes are products, since pow may be off by many units in the last
// place, and by how many differs from device to device.
fn to_power(a: vec4f, exponent: f32) -> vec4f {
  if (exponent == 0) { return vec4f(1); }
  if (exponent == 1) { return a; }
  if (exponent == 2) { return a * a; }
  if (exponent == 3) { return a * a * a; }
  if (exponent == 4) { return (a * a) * (a * a); }
  return select(vec4f(), pow(a, vec4f(exponent)), a > vec4f());
}

fn slope(x: vec4f) -> vec4f {
  return power * sign(x) * to_power(abs(x), power - 1);
}

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> place: array<u32>;

@compute @workgroup_size(lanes)
fn forward_sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= batch * stored) { return; }
  let p = i % stored;
  var total = vec4f();
  if (p < positions) {
    let first = (i / stored * positions + p) * quads;
    for (var at = first; at < first + quads; at++) { total += to_power(abs(vec4f(x[at])), power); }
  }
  y[i] = total.x + total.y + total.z + total.w;
}

@compute @workgroup_size(lanes)
fn forward_max(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= batch * stored) { return; }
  let p = i % stored;
  var best = 0f;
  var best_at = 0u;
  if (p < positions) {
    let first = (i / stored * positions + p) * quads;
    for (var quad = 0u; quad < quads; quad++) {
      let a = abs(vec4f(x[first + quad]));
      if (a.x > best) { best = a.x; best_at = quad * 4; }
      if (a.y > best) { best = a.y; best_at = quad * 4 + 1; }
      if (a.z > best) { best = a.z; best_at = quad * 4 + 2; }
      if (a.w > best) { best = a.w; best_at = quad * 4 + 3; }
    }
  }
  y[i] = to_power(vec4f(best), power).x;
  place[i] = best_at;
}

@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx_of_sum: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn vjp_sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let p = i / quads;
  if (p >= batch * positions) { return; }
  dx_of_sum[i] = vec4<real>(dy[p / positions * stored + p % positions] * slope(vec4f(x[i])));
}

@group(0) @binding(2) var<storage, read> found: array<u32>; // place of the forward
@group(0) @binding(3) var<storage, read_write> dx_of_max: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn vjp_max(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let p = i / quads;
  if (p >= batch * positions) { return; }
  let at = p / positions * stored + p % positions;
  let chosen = i % quads * 4 + vec4u(0, 1, 2, 3) == vec4u(found[at]);
  dx_of_max[i] = vec4<real>(select(vec4f(), dy[at] * slope(vec4f(x[i])), chosen));
}
