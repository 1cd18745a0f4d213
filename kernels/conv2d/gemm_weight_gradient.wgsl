alias real = f32;
// The weight gradient of plain.wgsl as a product of matrices whose rows are taps and inputs, whose columns are outputs,
// and whose inner dimension runs over the pixels of dy, split into parts that sum.wgsl then adds in a fixed order:
//   partial[part, tap, i, o] = sum_{pixels of the part} x[pixel moved by tap, i] dy[pixel, o]
// Layout: as in plain.wgsl.
// A workgroup makes `tile_rows` vec4s of taps and inputs by `tile_quads` vec4s of outputs of one part, `depth` pixels
// at a time through workgroup memory; while it adds those up, the next ones are on their way into registers. An
// invocation adds two vec4s by two. Workgroups: x, y parts and rows, z outputs.
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
override columns: u32 = tile_quads / 2;
override rows: u32 = 64 / columns;
override tile_rows: u32 = 2 * rows; // 64, 32 or 16
override depth: u32 = select(8u, 4u, columns == 2);
override apart: u32 = 64 / tile_rows; // pixels from one vec4 that an invocation brings to its next

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]
var<workgroup> inputs: array<vec4f, depth * tile_rows>; // [pixel, vec4 of a tap's inputs]
var<workgroup> upstream: array<vec4f, depth * tile_quads>; // [pixel, vec4 of outputs]

// A vec4 of inputs of a tap: what it adds to the coordinates of dy, and the vec4 of the pixel. One past the end lies
// below every image.
struct Row { y: u32, x: u32, quad: u32 }

fn row_of(row: u32) -> Row {
  let tap = row / in_quads;
  let y = select(0x40000000u, tap / kernel_width - padding, tap < kernel_height * kernel_width);
  return Row(y, tap % kernel_width - padding, row % in_quads);
}

// The vec4 of x that a pixel of dy meets there (negative coordinates wrap).
fn input_at(pixel: u32, end: u32, row: Row) -> vec4f {
  let n = pixel / (out_width * out_height);
  let iy = pixel / out_width % out_height * stride + row.y;
  let ix = pixel % out_width * stride + row.x;
  if (pixel >= end || iy >= in_height || ix >= in_width) { return vec4f(); }
  return vec4f(x[((n * in_height + iy) * in_width + ix) * in_quads + row.quad]);
}

fn upstream_at(pixel: u32, end: u32, o: u32) -> vec4f {
  if (pixel >= end || o >= out_quads) { return vec4f(); }
  return vec4f(dy[pixel * out_quads + o]);
}

// What an invocation brings into workgroup memory for the next pixels: up to four vec4s of x and two of dy.
struct Fetched { x0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, g0: vec4f, g1: vec4f }

fn fetch(pixel: u32, end: u32, row: Row, first_o: u32, lane: u32) -> Fetched {
  var f = Fetched();
  let first = pixel + lane / tile_rows;
  f.x0 = input_at(first, end, row);
  f.x1 = input_at(first + apart, end, row);
  if (depth * tile_rows > 128) {
    f.x2 = input_at(first + 2 * apart, end, row);
    f.x3 = input_at(first + 3 * apart, end, row);
  }
  let o = first_o + lane % tile_quads;
  if (lane < depth * tile_quads) { f.g0 = upstream_at(pixel + lane / tile_quads, end, o); }
  if (depth * tile_quads > 64) { f.g1 = upstream_at(pixel + (lane + 64) / tile_quads, end, o); }
  return f;
}

fn bring(f: Fetched, lane: u32) {
  inputs[lane] = f.x0;
  inputs[lane + 64] = f.x1;
  if (depth * tile_rows > 128) {
    inputs[lane + 128] = f.x2;
    inputs[lane + 192] = f.x3;
  }
  if (lane < depth * tile_quads) { upstream[lane] = f.g0; }
  if (depth * tile_quads > 64) { upstream[lane + 64] = f.g1; }
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

// Two vec4s of inputs by two of outputs.
struct Block { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }

// An invocation's block with one more pixel, the k-th in workgroup memory.
fn add_pixel(t: Block, k: u32, row: u32, column: u32) -> Block {
  let v0 = inputs[k * tile_rows + row];
  let v1 = inputs[k * tile_rows + row + rows];
  let g0 = upstream[k * tile_quads + column];
  let g1 = upstream[k * tile_quads + column + columns];
  return Block(
    add_outer(t.a, v0, g0),
    add_outer(t.b, v0, g1),
    add_outer(t.c, v1, g0),
    add_outer(t.d, v1, g1),
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
  let fetched_row = row_of(first_row + lane % tile_rows);
  var next = fetch(part * chunk, end, fetched_row, first_o, lane);
  var sum = Block();
  for (var pixel = part * chunk; pixel < end; pixel += depth) {
    bring(next, lane);
    workgroupBarrier();
    next = fetch(pixel + depth, end, fetched_row, first_o, lane);
    sum = add_pixel(sum, 0, row, column);
    sum = add_pixel(sum, 1, row, column);
    sum = add_pixel(sum, 2, row, column);
    sum = add_pixel(sum, 3, row, column);
    if (depth == 8) {
      sum = add_pixel(sum, 4, row, column);
      sum = add_pixel(sum, 5, row, column);
      sum = add_pixel(sum, 6, row, column);
      sum = add_pixel(sum, 7, row, column);
    }
    workgroupBarrier();
  }
  store(part, first_row + row, first_o + column, sum.a);
  store(part, first_row + row, first_o + column + columns, sum.b);
  store(part, first_row + row + rows, first_o + column, sum.c);
  store(part, first_row + row + rows, first_o + column + columns, sum.d);
}
