alias real = f32;
// Max pooling, NHWC, the padding never chosen:
//   y[n, oy, ox, c] = max of x over the window, place = row-major position of the first maximum in x's plane, or
//   of the last NaN, which is more than any number
//   vjp (scatter as a gather): dx[n, iy, ix, c] = sum of dy over the windows whose place is (iy, ix)
//   vjp of that: the value found at place
// Layout: x, dx [N, in_height, in_width, quads], y, dy, place [N, out_height, out_width, quads]. One invocation a vec4.
override batch: u32;
override in_height: u32;
override in_width: u32;
override out_height: u32;
override out_width: u32;
override quads: u32;
override kernel: u32;
override stride: u32;
override padding: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> place: array<vec4u>;

// By the bits: drivers turn `v > best || v != v` into a test that is also true where best is the NaN.
fn is_nan(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) & vec4u(0x7fffffff)) > vec4u(0x7f800000);
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let quad = i % quads;
  let ox = i / quads % out_width;
  let oy = i / quads / out_width % out_height;
  let n = i / quads / out_width / out_height;
  if (n >= batch) { return; }
  var best = vec4<real>();
  var best_at = vec4u();
  var found = false;
  for (var ky = 0u; ky < kernel; ky++) {
    let iy = oy * stride + ky - padding;
    if (iy >= in_height) { continue; }
    for (var kx = 0u; kx < kernel; kx++) {
      let ix = ox * stride + kx - padding;
      if (ix >= in_width) { continue; }
      let value = x[((n * in_height + iy) * in_width + ix) * quads + quad];
      let better = (value > best) | is_nan(vec4f(value)) | vec4<bool>(!found);
      best = select(best, value, better);
      best_at = select(best_at, vec4u(iy * in_width + ix), better);
      found = true;
    }
  }
  y[i] = best;
  place[i] = best_at;
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> chosen: array<vec4u>; // place of the forward
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn scatter(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let quad = i % quads;
  let ix = i / quads % in_width;
  let iy = i / quads / in_width % in_height;
  let n = i / quads / in_width / in_height;
  if (n >= batch) { return; }
  let here = vec4u(iy * in_width + ix);
  var total = vec4f();
  for (var ky = 0u; ky < kernel; ky++) {
    let down = iy + padding - ky;
    if (down % stride != 0 || down / stride >= out_height) { continue; }
    for (var kx = 0u; kx < kernel; kx++) {
      let across = ix + padding - kx;
      if (across % stride != 0 || across / stride >= out_width) { continue; }
      let at = ((n * out_height + down / stride) * out_width + across / stride) * quads + quad;
      total += select(vec4f(), vec4f(dy[at]), chosen[at] == here);
    }
  }
  dx[i] = vec4<real>(total);
}

@group(0) @binding(2) var<storage, read_write> taken: array<vec4<real>>;

// x of the shape of the pooled tensor's input (binding 0), `chosen` at binding 1.
@compute @workgroup_size(lanes)
fn take(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let n = i / quads / out_width / out_height;
  if (n >= batch) { return; }
  let at = chosen[i];
  let first = n * in_height * in_width * quads + i % quads;
  taken[i] = vec4<real>(
    x[first + at.x * quads].x,
    x[first + at.y * quads].y,
    x[first + at.z * quads].z,
    x[first + at.w * quads].w,
  );
}
