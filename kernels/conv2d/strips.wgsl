alias real = f32;
// The input gradient of plain.wgsl for kernels of 3x3 at stride 1 whose input has at most four channels, as that of a
// network's first layer:
//   dx[n, iy, ix, i] = sum_{ky, kx, o} dy[n, iy + p - ky, ix + p - kx, o] w[ky, kx, i, o]                (+ epilogue)
// With so few channels an invocation can hold the sums of all three rows of dx that a row of dy meets: it goes down the
// image and loads each pixel of dy once for all nine taps, where rows.wgsl loads it for three.
// Layout: dy [N, out_height, out_width, out_quads], dx [N, in_height, in_width]; w as in plain.wgsl.
// One invocation makes a strip of dx eight pixels wide and `rows` high. As in rows.wgsl, eight lanes load the weights
// together and hand them around with shuffles.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_channels: u32; // at most 4
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override padding: u32;
override rows: u32;
override added: bool = false;
override rectified: bool = false;
override lanes: u32 = 8; // few, so that a small batch still has a workgroup for every core

@group(0) @binding(0) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> addend: array<vec4<real>>; // dx's shape; without one, any buffer stands in
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<real>>;

alias Pixels = array<vec4f, 8>; // sums for a row of dx
alias Gradients = array<vec4f, 10>; // what they meet of a row of dy
alias Taps = array<mat4x4f, 3>; // a row of the kernel for four outputs; the columns of a tap are the inputs

fn add_products(sum: f32, w: vec4f, v: vec4f) -> f32 {
  return fma(v.x, w.x, fma(v.y, w.y, fma(v.z, w.z, fma(v.w, w.w, sum))));
}

fn add_tap(sum: vec4f, m: mat4x4f, v: vec4f) -> vec4f {
  var y = sum;
  y[0] = add_products(y[0], m[0], v);
  if (in_channels > 1) { y[1] = add_products(y[1], m[1], v); }
  if (in_channels > 2) { y[2] = add_products(y[2], m[2], v); }
  if (in_channels > 3) { y[3] = add_products(y[3], m[3], v); }
  return y;
}

// The last tap of a row meets the first pixel.
fn add_taps(sum: vec4f, taps: Taps, left: vec4f, middle: vec4f, right: vec4f) -> vec4f {
  return add_tap(add_tap(add_tap(sum, taps[2], left), taps[1], middle), taps[0], right);
}

// Written out, since a driver does not unroll a loop this long, and then keeps the arrays in memory.
fn add_row(sums: Pixels, w: Taps, v: Gradients) -> Pixels {
  return Pixels(
    add_taps(sums[0], w, v[0], v[1], v[2]),
    add_taps(sums[1], w, v[1], v[2], v[3]),
    add_taps(sums[2], w, v[2], v[3], v[4]),
    add_taps(sums[3], w, v[3], v[4], v[5]),
    add_taps(sums[4], w, v[4], v[5], v[6]),
    add_taps(sums[5], w, v[5], v[6], v[7]),
    add_taps(sums[6], w, v[6], v[7], v[8]),
    add_taps(sums[7], w, v[7], v[8], v[9]),
  );
}

// One pixel of dy, or zero where there is none (coordinates below zero have wrapped to large ones).
fn gradient_at(row: u32, ox: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * out_width + min(ox, out_width - 1)) * out_quads + quad;
  return select(vec4f(), vec4f(dy[at]), inside && ox < out_width);
}

// The tap whose inputs four lanes have loaded, from `first` on.
fn tap(loaded: vec4f, first: u32) -> mat4x4f {
  return mat4x4f(
    subgroupShuffle(loaded, first),
    subgroupShuffle(loaded, first + 1),
    subgroupShuffle(loaded, first + 2),
    subgroupShuffle(loaded, first + 3),
  );
}

// By the bits, since a driver may make max of a comparison, which drops NaN: the negative numbers go from 0x80000001,
// the least, to 0xff800000, -Infinity.
fn rectify(value: vec4f) -> vec4f {
  return select(value, vec4f(), bitcast<vec4u>(value) - 0x80000001u < vec4u(0x7f800000u));
}

fn store(pixel: u32, inside: bool, sum: vec4f) {
  if (!inside) { return; }
  var value = sum;
  if (added) { value += vec4f(addend[pixel]); }
  if (rectified) { value = rectify(value); }
  dx[pixel] = vec4<real>(value);
}

@compute @workgroup_size(lanes)
fn input_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + local;
  let lane = in_subgroup & 7;
  let across = (in_width + 7) / 8;
  let strips = (in_height + rows - 1) / rows;
  let ix = i % across * 8;
  let top = i / across % strips * rows;
  // No invocation leaves early, since the others read its weights; one past the end computes what it does not store.
  let n = i / across / strips;
  let image = min(n, batch - 1) * out_height;
  // A row of dy is the last that `above` meets, the second for `here` and the first for `below`.
  var above = Pixels();
  var here = Pixels();
  for (var down = 0u; down < rows + 2; down++) {
    let oy = top + down + padding - 2;
    let ox = ix + padding - 2;
    let inside = oy < out_height;
    let row = image + min(oy, out_height - 1);
    var below = Pixels();
    for (var quad = 0u; quad < out_quads; quad++) {
      var v = Gradients();
      for (var k = 0u; k < 10; k++) { v[k] = gradient_at(row, ox + k, quad, inside); }
      let a = w[lane * out_quads + quad];
      let b = w[(lane + 8) * out_quads + quad];
      let c = w[(lane + 16) * out_quads + quad];
      let d = w[(lane + 24) * out_quads + quad];
      let e = w[min(lane + 32, 35) * out_quads + quad];
      above = add_row(above, Taps(tap(a, 0), tap(a, 4), tap(b, 0)), v);
      here = add_row(here, Taps(tap(b, 4), tap(c, 0), tap(c, 4)), v);
      below = add_row(below, Taps(tap(d, 0), tap(d, 4), tap(e, 0)), v);
    }
    let iy = top + down - 2;
    let pixel = (n * in_height + iy) * in_width + ix;
    let finished = down >= 2 && iy < in_height && n < batch;
    for (var k = 0u; k < 8; k++) { store(pixel + k, finished && ix + k < in_width, above[k]); }
    above = here;
    here = below;
  }
}
