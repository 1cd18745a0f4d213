alias real = f32;
// The input gradient of plain.wgsl for kernels of 7x7 at stride 2 and odd padding whose input has at most four channels,
// as that of a network's first layer:
//   dx[n, iy, ix, i] = sum_{ky, kx, o} dy[n, (iy + p - ky) / 2, (ix + p - kx) / 2, o] w[ky, kx, i, o]    (+ epilogue)
// Two by two pixels of dx, from an even row and column on, meet all 49 taps, each once: with ky = 2 d - 1 above and 2 d
// below, kx = 2 e - 1 on the left and 2 e on the right, in pixel (iy + p + 1) / 2 - d, (ix + p + 1) / 2 - e of dy for the
// even iy and ix. So a load of dy serves fourteen taps.
// Layout: dy [N, out_height, out_width, out_quads], dx [N, in_height, in_width]; w as in plain.wgsl.
// One invocation makes eight such squares along x. As in rows.wgsl, eight lanes load the weights together and hand them
// around with shuffles.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_channels: u32; // at most 4
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override padding: u32; // odd
override added: bool = false;
override rectified: bool = false;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> addend: array<vec4<real>>; // dx's shape; without one, any buffer stands in
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<real>>;

alias Gradients = array<vec4f, 11>; // what eight squares meet of a row of dy
alias Taps = array<mat4x4f, 14>; // two rows of the kernel for four outputs; the columns of a tap are the inputs
alias Square = mat4x4f; // a column a pixel of dx, row by row

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
fn add_square(y: Square, taps: Taps, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> Square {
  return Square(
    add_tap(add_tap(add_tap(y[0], taps[5], a), taps[3], b), taps[1], c),
    add_tap(add_tap(add_tap(add_tap(y[1], taps[6], a), taps[4], b), taps[2], c), taps[0], d),
    add_tap(add_tap(add_tap(y[2], taps[12], a), taps[10], b), taps[8], c),
    add_tap(add_tap(add_tap(add_tap(y[3], taps[13], a), taps[11], b), taps[9], c), taps[7], d),
  );
}

// One pixel of dy, or zero where there is none (coordinates below zero have wrapped to large ones).
fn gradient_at(row: u32, ox: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * out_width + min(ox, out_width - 1)) * out_quads + quad;
  return select(vec4f(), vec4f(dy[at]), inside && ox < out_width);
}

// A row of the weights of four outputs, of which there are 4 * 49, or zero.
fn weight_at(row: u32, quad: u32) -> vec4f {
  return select(vec4f(), w[min(row, 195) * out_quads + quad], row < 196);
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

// The taps of two rows of the kernel, of which the first may be missing.
fn taps(first: u32, quad: u32) -> Taps {
  let a = weight_at(first, quad);
  let b = weight_at(first + 8, quad);
  let c = weight_at(first + 16, quad);
  let d = weight_at(first + 24, quad);
  let e = weight_at(first + 32, quad);
  let f = weight_at(first + 40, quad);
  let g = weight_at(first + 48, quad);
  return Taps(
    tap(a, 0),
    tap(a, 4),
    tap(b, 0),
    tap(b, 4),
    tap(c, 0),
    tap(c, 4),
    tap(d, 0),
    tap(d, 4),
    tap(e, 0),
    tap(e, 4),
    tap(f, 0),
    tap(f, 4),
    tap(g, 0),
    tap(g, 4),
  );
}

// By the bits, since a driver may make max of a comparison, which drops NaN: the negative numbers go from 0x80000001,
// the least, to 0xff800000, -Infinity.
fn rectify(value: vec4f) -> vec4f {
  return select(value, vec4f(), bitcast<vec4u>(value) - 0x80000001u < vec4u(0x7f800000u));
}

fn store(n: u32, iy: u32, ix: u32, sum: vec4f) {
  if (n >= batch || iy >= in_height || ix >= in_width) { return; }
  let at = (n * in_height + iy) * in_width + ix;
  var value = sum;
  if (added) { value += vec4f(addend[at]); }
  if (rectified) { value = rectify(value); }
  dx[at] = vec4<real>(value);
}

fn store_square(n: u32, iy: u32, ix: u32, sum: Square) {
  store(n, iy, ix, sum[0]);
  store(n, iy, ix + 1, sum[1]);
  store(n, iy + 1, ix, sum[2]);
  store(n, iy + 1, ix + 1, sum[3]);
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
  let across = (in_width + 15) / 16;
  let lines = (in_height + 1) / 2;
  let ix = i % across * 16;
  let iy = i / across % lines * 2;
  // No invocation leaves early, since the others read its weights; one past the end computes what it does not store.
  let n = i / across / lines;
  let image = min(n, batch - 1) * out_height;
  var s0 = Square();
  var s1 = Square();
  var s2 = Square();
  var s3 = Square();
  var s4 = Square();
  var s5 = Square();
  var s6 = Square();
  var s7 = Square();
  // Rows and outputs are one loop: a driver may copy all sums at each turn of each loop that they go through.
  for (var at = 0u; at < 4 * out_quads; at++) {
    let down = at / out_quads;
    let quad = at % out_quads;
    let oy = (iy + padding + 1) / 2 - down;
    let ox = (ix + padding + 1) / 2 - 3;
    let inside = oy < out_height;
    let row = image + min(oy, out_height - 1);
    let v = Gradients(
      gradient_at(row, ox, quad, inside),
      gradient_at(row, ox + 1, quad, inside),
      gradient_at(row, ox + 2, quad, inside),
      gradient_at(row, ox + 3, quad, inside),
      gradient_at(row, ox + 4, quad, inside),
      gradient_at(row, ox + 5, quad, inside),
      gradient_at(row, ox + 6, quad, inside),
      gradient_at(row, ox + 7, quad, inside),
      gradient_at(row, ox + 8, quad, inside),
      gradient_at(row, ox + 9, quad, inside),
      gradient_at(row, ox + 10, quad, inside),
    );
    let w = taps((2 * down - 1) * 28 + lane, quad);
    s0 = add_square(s0, w, v[0], v[1], v[2], v[3]);
    s1 = add_square(s1, w, v[1], v[2], v[3], v[4]);
    s2 = add_square(s2, w, v[2], v[3], v[4], v[5]);
    s3 = add_square(s3, w, v[3], v[4], v[5], v[6]);
    s4 = add_square(s4, w, v[4], v[5], v[6], v[7]);
    s5 = add_square(s5, w, v[5], v[6], v[7], v[8]);
    s6 = add_square(s6, w, v[6], v[7], v[8], v[9]);
    s7 = add_square(s7, w, v[7], v[8], v[9], v[10]);
  }
  store_square(n, iy, ix, s0);
  store_square(n, iy, ix + 2, s1);
  store_square(n, iy, ix + 4, s2);
  store_square(n, iy, ix + 6, s3);
  store_square(n, iy, ix + 8, s4);
  store_square(n, iy, ix + 10, s5);
  store_square(n, iy, ix + 12, s6);
  store_square(n, iy, ix + 14, s7);
}
