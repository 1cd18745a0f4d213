// Turns a matrix over, its own vjp:
//   y[a, b] = x[b, a]
// Layout: x [rows, from_quads] vec4s of columns; y [to_rows, to_quads] vec4s of x's rows, zero beyond them.
// One invocation a vec4 of y.
override rows: u32; // of x, without padding
override from_quads: u32;
override to_rows: u32;
override to_quads: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

fn element(row: u32, column: u32) -> f32 {
  if (row >= rows) { return 0; }
  return x[row * from_quads + column / 4][column % 4];
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= to_rows * to_quads) { return; }
  let column = i / to_quads;
  let row = 4 * (i % to_quads);
  y[i] = vec4f(
    element(row, column),
    element(row + 1, column),
    element(row + 2, column),
    element(row + 3, column),
  );
}
