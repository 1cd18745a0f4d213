alias real = f32;
// Where the lanes of a workgroup are: their places in their subgroups, and the size of these.
// Layout: x, one zero; y [64, 2]. One workgroup.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2f>;

@compute @workgroup_size(64)
fn lanes(
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) place: u32,
  @builtin(subgroup_size) size: u32,
) {
  y[lane] = vec2f(f32(place), f32(size)) + x[0];
}
