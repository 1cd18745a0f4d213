alias real = f32;
// Numbers that lie close together, laid out as tensors are here: zeros after every row of columns and, for weights,
// after every block of rows, up to multiples of four.
//   y[block, row, column] = x[block, row, column] inside, 0 outside
// Layout: x [blocks, rows, columns]; y [blocks, stored_rows, quads] vec4. One invocation a vec4 of y.
override rows: u32;
override stored_rows: u32;
override columns: u32;
override quads: u32; // vec4s a row of y
override total: u32; // vec4s of y
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<real>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<real>>;

fn number(row: u32, column: u32, start: u32) -> real {
  if (row >= rows || column >= columns) { return real(0.0); }
  return x[start + row * columns + column];
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= total) { return; }
  let column = i % quads * 4u;
  let row = i / quads % stored_rows;
  let start = i / quads / stored_rows * rows * columns;
  y[i] = vec4<real>(
    number(row, column, start),
    number(row, column + 1u, start),
    number(row, column + 2u, start),
    number(row, column + 3u, start),
  );
}
