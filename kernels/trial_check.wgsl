alias real = f32;
// How far a result y is from the plain variant's p, and how much worse it rounds, by exact values e of some of its
// numbers:
//   error = max |y - p| / max |p|        rounding = rms(y - e) / max(rms(p - e), 2^-24 rms(e))
//   compare: parts <- max |y - p| and max |p| of a workgroup's vec4s
//   finish:  found <- error, rounding; 0 for rounding where there are no samples
// Distances are compared by their bits, whose order is that of the numbers with NaN as the largest: comparisons with NaN
// are not reliable on every driver.
// Layout: y, p as they are stored, their padding included; parts a pair of bits a workgroup; places [samples] numbers
// of y, counted as they are stored; exact [samples] their e; found a vec4. `compare` has as many workgroups as there are
// parts; `finish` is one.
override samples: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> y: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> p: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> parts: array<vec2u>;

var<workgroup> largest: array<vec2u, lanes>;

fn largest_bits(values: vec4f) -> u32 {
  let bits = bitcast<vec4u>(values) & vec4u(0x7fffffffu);
  return max(max(bits.x, bits.y), max(bits.z, bits.w));
}

// The largest of what all lanes have; the first of them gets it.
fn largest_of_all(lane: u32, own: vec2u) -> vec2u {
  largest[lane] = own;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { largest[lane] = max(largest[lane], largest[lane + half]); }
  }
  return largest[lane];
}

@compute @workgroup_size(lanes)
fn compare(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var own = vec2u();
  for (var i = group.x * lanes + lane; i < arrayLength(&y); i += groups.x * lanes) {
    let plain = vec4f(p[i]);
    own = max(own, vec2u(largest_bits(vec4f(y[i]) - plain), largest_bits(plain)));
  }
  let part = largest_of_all(lane, own);
  if (lane == 0) { parts[group.x] = part; }
}

@group(0) @binding(2) var<storage, read> all_parts: array<vec2u>; // parts
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read> exact: array<f32>;
@group(0) @binding(5) var<storage, read_write> found: array<vec4f>;

var<workgroup> squares: array<vec3f, lanes>;

@compute @workgroup_size(lanes)
fn finish(@builtin(local_invocation_index) lane: u32) {
  var own = vec2u();
  for (var i = lane; i < arrayLength(&all_parts); i += lanes) { own = max(own, all_parts[i]); }
  let both = largest_of_all(lane, own);
  var sums = vec3f(); // of the squares of y - e, p - e and e
  for (var i = lane; i < samples; i += lanes) {
    let at = places[i];
    let e = exact[i];
    let off = vec3f(f32(y[at / 4][at % 4]) - e, f32(p[at / 4][at % 4]) - e, e);
    sums += off * off;
  }
  squares[lane] = sums;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { squares[lane] += squares[lane + half]; }
  }
  if (lane > 0) { return; }
  let root = sqrt(squares[0]);
  let rounding = select(root.x / max(root.y, 0x1p-24f * root.z), 0f, samples == 0);
  found[0] = vec4f(bitcast<f32>(both.x) / bitcast<f32>(both.y), rounding, 0, 0);
}
