// Whether the numbers of a step are finite: its loss, the running statistics s and the gradients g. Their vec4s have
// places in this order: the loss is place 0, the first of s is place 1, the first of g is `first`.
//   inspect: found <- ~place of the first that has a number that is not finite, 0 where there is none
//   settle:  found = 0: fault <- 0
//            otherwise: s <- kept, fault <- place + 1, and found <- 0 unless `stops`
// Layout: loss, s, kept, g flat, as vec4s; found a word, fault a scalar. `inspect` has one invocation a vec4, and looks
// at the first `losses`, `quads` and `gradients` vec4s of the loss, of s and of g; `settle` is one workgroup.
override losses: u32 = 0;
override quads: u32;
override gradients: u32 = 0;
override first: u32 = 0;
override stops: bool = false;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> loss: array<vec4u>;
@group(0) @binding(1) var<storage, read> s: array<vec4u>;
@group(0) @binding(2) var<storage, read> g: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> flag: array<atomic<u32>>; // found

// By the bits, since comparisons with NaN are not reliable on every driver.
fn look(bits: vec4u, place: u32) {
  if (any((bits & vec4u(0x7f800000u)) == vec4u(0x7f800000u))) { atomicMax(&flag[0], ~place); }
}

@compute @workgroup_size(lanes)
fn inspect(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i < losses) { look(loss[i], i); }
  if (i < quads) { look(s[i], 1 + i); }
  if (i < gradients) { look(g[i], first + i); }
}

@group(0) @binding(0) var<storage, read> kept: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> statistics: array<vec4f>; // s
@group(0) @binding(2) var<storage, read_write> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> fault: array<vec4f>;

@compute @workgroup_size(lanes)
fn settle(@builtin(local_invocation_index) lane: u32) {
  let code = found[0];
  if (code != 0) {
    for (var i = lane; i < quads; i += lanes) { statistics[i] = kept[i]; }
  }
  workgroupBarrier(); // all have read `found`
  if (lane > 0) { return; }
  fault[0] = vec4f(select(f32(~code) + 1, 0f, code == 0), 0, 0, 0);
  if (!stops) { found[0] = 0; }
}
