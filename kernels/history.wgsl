// Keeps a step's scalars in a row of a table, so that nothing is read back in the loop:
//   table[row, first + column] = scalars[column], row = values[row_at]
// Layout: eight scalars (those not needed repeat the last); table [rows, quads] vec4s. One invocation.
override row_at: u32; // place of the row number in `values`
override quads: u32; // vec4s a row
override first: u32; // the first column, in vec4s

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read> s0: array<f32>;
@group(0) @binding(2) var<storage, read> s1: array<f32>;
@group(0) @binding(3) var<storage, read> s2: array<f32>;
@group(0) @binding(4) var<storage, read> s3: array<f32>;
@group(0) @binding(5) var<storage, read> s4: array<f32>;
@group(0) @binding(6) var<storage, read> s5: array<f32>;
@group(0) @binding(7) var<storage, read> s6: array<f32>;
@group(0) @binding(8) var<storage, read> s7: array<f32>;
@group(0) @binding(9) var<storage, read_write> table: array<vec4f>;

@compute @workgroup_size(1)
fn append() {
  let at = values[row_at] * quads + first;
  table[at] = vec4f(s0[0], s1[0], s2[0], s3[0]);
  table[at + 1] = vec4f(s4[0], s5[0], s6[0], s7[0]);
}
