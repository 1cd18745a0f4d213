alias real = f32;
// The weight gradient of plain.wgsl as a product of matrices whose rows are taps and inputs, whose columns are outputs,
// and whose inner dimension runs over the pixels of dy, split into parts that sum.wgsl then adds in a fixed order:
//   partial[part, tap, i, o] = sum_{pixels of the part} x[pixel moved by tap, i] dy[pixel, o]
// Layout: as in plain.wgsl.
// A workgroup makes `tile_rows` vec4s of taps and inputs by `tile_quads` vec4s of outputs of one part, `depth` pixels
// at a time through workgroup memory; an invocation adds two vec4s by two. Workgroups: x, y parts and rows, z outputs.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_quads: u32;
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override kernel_height: u32;
override kernel_width: u32;
override stride: u32;
override padding: u32;
override chunk: u32; // pixels of a part
override chunks: u32;
override tile_quads: u32; // 4, 8 or 16
override depth: u32 = 8;
override columns: u32 = tile_quads / 2;
override rows: u32 = 64 / columns;
override tile_rows: u32 = 2 * rows;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]
var<workgroup> inputs: array<vec4f, depth * tile_rows>; // [pixel, vec4 of a tap's inputs]
var<workgroup> upstream: array<vec4f, depth * tile_quads>; // [pixel, vec4 of outputs]

// The vec4 of x that a pixel of dy meets: `row` counts the vec4s of inputs of all taps.
fn input_at(pixel: u32, end: u32, row: u32) -> vec4f {
  let tap = row / in_quads;
  if (pixel >= end || tap >= kernel_height * kernel_width) { return vec4f(); }
  let n = pixel / (out_width * out_height);
  let iy = pixel / out_width % out_height * stride + tap / kernel_width - padding;
  let ix = pixel % out_width * stride + tap % kernel_width - padding;
  if (iy >= in_height || ix >= in_width) { return vec4f(); }
  return vec4f(x[((n * in_height + iy) * in_width + ix) * in_quads + row % in_quads]);
}

fn upstream_at(pixel: u32, end: u32, o: u32) -> vec4f {
  if (pixel >= end || o >= out_quads) { return vec4f(); }
  return vec4f(dy[pixel * out_quads + o]);
}

// sum + the outer product of four inputs and four outputs, a column an input.
fn add_outer(sum: mat4x4f, v: vec4f, g: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(v.xxxx, g, sum[0]),
    fma(v.yyyy, g, sum[1]),
    fma(v.zzzz, g, sum[2]),
    fma(v.wwww, g, sum[3]),
  );
}

fn store(part: u32, row: u32, o: u32, sum: mat4x4f) {
  let all = kernel_height * kernel_width * in_quads;
  if (row >= all || o >= out_quads) { return; }
  let at = (part * all + row) * 4 * out_quads + o;
  partial[at] = sum[0];
  partial[at + out_quads] = sum[1];
  partial[at + 2 * out_quads] = sum[2];
  partial[at + 3 * out_quads] = sum[3];
}

@compute @workgroup_size(64)
fn weight_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let part = index % chunks;
  let first_row = index / chunks * tile_rows;
  let first_o = group.z * tile_quads;
  let column = lane % columns;
  let row = lane / columns;
  let end = min((part + 1) * chunk, batch * out_height * out_width);
  var w00 = mat4x4f();
  var w01 = mat4x4f();
  var w10 = mat4x4f();
  var w11 = mat4x4f();
  for (var pixel = part * chunk; pixel < end; pixel += depth) {
    for (var i = lane; i < depth * tile_rows; i += 64) {
      inputs[i] = input_at(pixel + i / tile_rows, end, first_row + i % tile_rows);
    }
    for (var i = lane; i < depth * tile_quads; i += 64) {
      upstream[i] = upstream_at(pixel + i / tile_quads, end, first_o + i % tile_quads);
    }
    workgroupBarrier();
    for (var k = 0u; k < depth; k++) {
      let v0 = inputs[k * tile_rows + row];
      let v1 = inputs[k * tile_rows + row + rows];
      let g0 = upstream[k * tile_quads + column];
      let g1 = upstream[k * tile_quads + column + columns];
      w00 = add_outer(w00, v0, g0);
      w01 = add_outer(w01, v0, g1);
      w10 = add_outer(w10, v1, g0);
      w11 = add_outer(w11, v1, g1);
    }
    workgroupBarrier();
  }
  store(part, first_row + row, first_o + column, w00);
  store(part, first_row + row, first_o + column + columns, w01);
  store(part, first_row + row + rows, first_o + column, w10);
  store(part, first_row + row + rows, first_o + column + columns, w11);
}
