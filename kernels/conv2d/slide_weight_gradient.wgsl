alias real = f32;
// The weight gradient of plain.wgsl for three by three taps at stride 1 and padding 1, by lanes that slide along rows:
//   partial[part, ky, kx, i, o] = sum_{rows oy of the part, ox} x[n, oy + ky - 1, ox + kx - 1, i] dy[n, oy, ox, o]
// sum.wgsl then adds the parts, in a fixed order.
// A lane has one ky, one vec4 of inputs and one of outputs. It goes along a row of dy and keeps the three pixels of x
// that the taps of its ky meet: the next pixel costs it one load of x, one of dy, and 48 multiply-adds.
// Layout: as in plain.wgsl.
// A workgroup makes all taps of `tile_inputs` by `tile_outputs` vec4s from one strip of rows of `images` images. An
// image's strip of dy, and of x with a rim of one pixel, lie in workgroup memory. `sharers` groups of lanes take the
// rows of the strip in turn, and each writes a part. Workgroups: x strips of images, y inputs, z outputs.
override batch: u32;
override height: u32;
override width: u32;
override in_quads: u32;
override out_quads: u32;
override tile_inputs: u32;
override tile_outputs: u32;
override strip: u32; // rows of dy of a strip; the last strip of an image may have fewer
override strips: u32; // of an image
override images: u32; // that a workgroup adds up; the last may have fewer
override sharers: u32;
override row_lanes: u32 = 3 * tile_inputs * tile_outputs;
override lanes: u32 = row_lanes * sharers;
// Rows are made of whole runs of eight pixels; dy is zero past the image.
override across: u32 = (width + 7) / 8 * 8;
override rimmed: u32 = across + 2;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [parts, the shape of w]
var<workgroup> inputs: array<vec4f, (strip + 2) * rimmed * tile_inputs>; // [row, pixel, vec4 of inputs]
var<workgroup> upstream: array<vec4f, strip * across * tile_outputs>; // [row, pixel, vec4 of outputs]

// The sums of the three taps of one ky: a matrix for four inputs, its columns, by four outputs each.
struct Row { left: mat4x4f, middle: mat4x4f, right: mat4x4f }

// One vec4 of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(n: u32, iy: u32, ix: u32, quad: u32) -> vec4f {
  if (iy >= height || ix >= width || quad >= in_quads) { return vec4f(); }
  return vec4f(x[((n * height + iy) * width + ix) * in_quads + quad]);
}

fn upstream_at(n: u32, oy: u32, ox: u32, o: u32) -> vec4f {
  if (oy >= height || ox >= width || o >= out_quads) { return vec4f(); }
  return vec4f(dy[((n * height + oy) * width + ox) * out_quads + o]);
}

fn add_outer(sum: mat4x4f, v: vec4f, g: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(v.xxxx, g, sum[0]),
    fma(v.yyyy, g, sum[1]),
    fma(v.zzzz, g, sum[2]),
    fma(v.wwww, g, sum[3]),
  );
}

fn add_pixel(sum: Row, left: vec4f, middle: vec4f, right: vec4f, g: vec4f) -> Row {
  return Row(add_outer(sum.left, left, g), add_outer(sum.middle, middle, g), add_outer(sum.right, right, g));
}

fn store(part: u32, tap: u32, quad: u32, o: u32, sum: mat4x4f) {
  let at = ((part * 9 + tap) * in_quads + quad) * 4 * out_quads + o;
  partial[at] = sum[0];
  partial[at + out_quads] = sum[1];
  partial[at + 2 * out_quads] = sum[2];
  partial[at + 3 * out_quads] = sum[3];
}

@compute @workgroup_size(lanes)
fn weight_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let o = lane % tile_outputs;
  let i = lane / tile_outputs % tile_inputs;
  let ky = lane / (tile_outputs * tile_inputs) % 3;
  let sharer = lane / row_lanes;
  let first_i = group.y * tile_inputs;
  let first_o = group.z * tile_outputs;
  let top = group.x % strips * strip;
  let first = group.x / strips * images;
  var sum = Row();
  for (var n = first; n < min(first + images, batch); n++) {
    for (var j = lane; j < (strip + 2) * rimmed * tile_inputs; j += lanes) {
      let pixel = j / tile_inputs;
      inputs[j] = input_at(n, top + pixel / rimmed - 1, pixel % rimmed - 1, first_i + j % tile_inputs);
    }
    for (var j = lane; j < strip * across * tile_outputs; j += lanes) {
      let pixel = j / tile_outputs;
      upstream[j] = upstream_at(n, top + pixel / across, pixel % across, first_o + j % tile_outputs);
    }
    workgroupBarrier();
    for (var row = sharer; row < strip; row += sharers) {
      let in_row = (row + ky) * rimmed * tile_inputs + i;
      let out_row = row * across * tile_outputs + o;
      var v0 = inputs[in_row];
      var v1 = inputs[in_row + tile_inputs];
      for (var ox = 0u; ox < across; ox += 8) {
        let at = in_row + ox * tile_inputs;
        let g = out_row + ox * tile_outputs;
        let v2 = inputs[at + 2 * tile_inputs];
        sum = add_pixel(sum, v0, v1, v2, upstream[g]);
        let v3 = inputs[at + 3 * tile_inputs];
        sum = add_pixel(sum, v1, v2, v3, upstream[g + tile_outputs]);
        let v4 = inputs[at + 4 * tile_inputs];
        sum = add_pixel(sum, v2, v3, v4, upstream[g + 2 * tile_outputs]);
        let v5 = inputs[at + 5 * tile_inputs];
        sum = add_pixel(sum, v3, v4, v5, upstream[g + 3 * tile_outputs]);
        let v6 = inputs[at + 6 * tile_inputs];
        sum = add_pixel(sum, v4, v5, v6, upstream[g + 4 * tile_outputs]);
        let v7 = inputs[at + 7 * tile_inputs];
        sum = add_pixel(sum, v5, v6, v7, upstream[g + 5 * tile_outputs]);
        v0 = inputs[at + 8 * tile_inputs];
        sum = add_pixel(sum, v6, v7, v0, upstream[g + 6 * tile_outputs]);
        v1 = inputs[at + 9 * tile_inputs];
        sum = add_pixel(sum, v7, v0, v1, upstream[g + 7 * tile_outputs]);
      }
    }
    workgroupBarrier();
  }
  if (first_i + i >= in_quads || first_o + o >= out_quads) { return; }
  let part = group.x * sharers + sharer;
  store(part, ky * 3, first_i + i, first_o + o, sum.left);
  store(part, ky * 3 + 1, first_i + i, first_o + o, sum.middle);
  store(part, ky * 3 + 2, first_i + i, first_o + o, sum.right);
}
