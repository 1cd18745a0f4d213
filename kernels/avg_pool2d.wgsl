alias real = f32;
// Average pooling, NHWC, padding counted as zeros, what lies beyond the padding not counted:
//   y[n, oy, ox, c] = sum of x over the window / pixels
//   vjp: dx = sum of dy / pixels over the windows that hold the pixel
// The two are each other's vjp.
// Layout: x, dx [N, in_height, in_width, quads], y, dy [N, out_height, out_width, quads]. One invocation a vec4.
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

// How many pixels of a window the mean is over: a last window may reach over the padding.
fn pixels(oy: u32, ox: u32) -> f32 {
  let height = min(kernel, in_height + 2 * padding - oy * stride);
  let width = min(kernel, in_width + 2 * padding - ox * stride);
  return f32(height * width);
}

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<real>>;

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
  var total = vec4f();
  for (var ky = 0u; ky < kernel; ky++) {
    let iy = oy * stride + ky - padding;
    if (iy >= in_height) { continue; }
    for (var kx = 0u; kx < kernel; kx++) {
      let ix = ox * stride + kx - padding;
      if (ix >= in_width) { continue; }
      total += vec4f(x[((n * in_height + iy) * in_width + ix) * quads + quad]);
    }
  }
  y[i] = vec4<real>(total / pixels(oy, ox));
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn input_gradient(
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
  var total = vec4f();
  for (var ky = 0u; ky < kernel; ky++) {
    let down = iy + padding - ky;
    if (down % stride != 0 || down / stride >= out_height) { continue; }
    for (var kx = 0u; kx < kernel; kx++) {
      let across = ix + padding - kx;
      if (across % stride != 0 || across / stride >= out_width) { continue; }
      let at = ((n * out_height + down / stride) * out_width + across / stride) * quads + quad;
      total += vec4f(dy[at]) / pixels(down / stride, across / stride);
    }
  }
  dx[i] = vec4<real>(total);
}
