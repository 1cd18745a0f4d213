// Sum of up to seven scalars with fixed weights:  y = sum_k w_k s_k, in the order of k.
//   vjp: ds_k = w_k dy (scale.wgsl)
// Layout: seven scalars (those not needed repeat the last); y a scalar. One invocation.
override count: u32;
override w0: f32;
override w1: f32 = 0;
override w2: f32 = 0;
override w3: f32 = 0;
override w4: f32 = 0;
override w5: f32 = 0;
override w6: f32 = 0;

@group(0) @binding(0) var<storage, read> s0: array<f32>;
@group(0) @binding(1) var<storage, read> s1: array<f32>;
@group(0) @binding(2) var<storage, read> s2: array<f32>;
@group(0) @binding(3) var<storage, read> s3: array<f32>;
@group(0) @binding(4) var<storage, read> s4: array<f32>;
@group(0) @binding(5) var<storage, read> s5: array<f32>;
@group(0) @binding(6) var<storage, read> s6: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(1)
fn forward() {
  var total = w0 * s0[0];
  if (count > 1) { total += w1 * s1[0]; }
  if (count > 2) { total += w2 * s2[0]; }
  if (count > 3) { total += w3 * s3[0]; }
  if (count > 4) { total += w4 * s4[0]; }
  if (count > 5) { total += w5 * s5[0]; }
  if (count > 6) { total += w6 * s6[0]; }
  y[0] = vec4f(total, 0, 0, 0);
}
