alias real = f32;
// Makes a batch from bytes with fb.resnet.torch's colour augmentation, on images x in 0 to 1:
//   brightness  x = a x         contrast  x = a x + (1 - a) mean(grey(x))         saturation  x = a x + (1 - a) grey(x)
// in random order, each with its own a, uniform in 1 - jitter .. 1 + jitter, grey = .299 r + .587 g + .114 b; then
// lighting,
//   x = x + sum_i e_i v_i alpha_i, alpha_i normal of deviation `lighting`, v_i and e_i ImageNet's colour axes and
//   variances;
// then normalised: (x - mean) / std. All of it is affine in a pixel's colour, and grey's mean only changes with
// brightness: so `colours` sums up an image and composes one 3x4 matrix, and `apply` multiplies.
// The numbers drawn depend on hash(seed, epoch, indices[n]) alone; see images.wgsl for the hash.
// Layout: pixels [N, 3, size, size] bytes, four a word; indices [N]; matrices [N, 3] vec4s, a row each of red, green,
// blue, one; x [N, size, size, 1] vec4s (red, green, blue, 0). colours: a workgroup an image. apply: an invocation a
// pixel.
override batch: u32;
override size: u32;
override mean_r: f32;
override mean_g: f32;
override mean_b: f32;
override std_r: f32;
override std_g: f32;
override std_b: f32;
override jitter: f32 = 0.4;
override lighting: f32 = 0.1;
override epoch_at: u32; // place in `values`
override seed: u32;
override lanes: u32 = 64;

const GREY = vec3f(0.299, 0.587, 0.114);
const TAU = 6.283185307179586;
const GOLDEN = 0x9e3779b9u;

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read_write> matrices: array<vec4f>;

var<workgroup> sums: array<vec3u, lanes>;

fn mix(value: u32) -> u32 {
  var h = value;
  h = (h ^ (h >> 16)) * 0x45d9f3bu;
  h = (h ^ (h >> 16)) * 0x45d9f3bu;
  return h ^ (h >> 16);
}

fn hash(a: u32, b: u32, c: u32) -> u32 {
  return mix((mix(mix(a + GOLDEN) ^ b) + GOLDEN) ^ c);
}

// The k-th number of a key, in 0 to 1, both left out.
fn uniform_of(key: u32, k: u32) -> f32 {
  return (f32(mix(key + (k + 1) * GOLDEN) >> 9) + 0.5) / 8388608.0;
}

fn normal_of(key: u32, k: u32) -> f32 {
  return sqrt(-2 * log(uniform_of(key, k))) * cos(TAU * uniform_of(key, k + 1));
}

fn byte_at(index: u32) -> u32 {
  return (pixels[index / 4] >> (index % 4 * 8)) & 255u;
}

// Columns of red, green and blue, and of one; and the mean of grey.
struct Colours {
  linear: mat3x3f,
  offset: vec3f,
  grey: f32,
}

fn jittered(old: Colours, kind: u32, a: f32) -> Colours {
  var c = old;
  c.linear = a * old.linear;
  c.offset = a * old.offset;
  if (kind == 0) {
    c.grey = a * old.grey;
  } else if (kind == 1) {
    c.offset += (1 - a) * old.grey;
  } else {
    let rest = (1 - a) * (GREY * old.linear);
    c.linear += mat3x3f(vec3f(rest.x), vec3f(rest.y), vec3f(rest.z));
    c.offset += (1 - a) * dot(GREY, old.offset);
  }
  return c;
}

@compute @workgroup_size(lanes)
fn colours(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.x;
  let plane = size * size;
  var sum = vec3u();
  for (var p = lane; p < plane; p += lanes) {
    let at = n * 3 * plane + p;
    sum += vec3u(byte_at(at), byte_at(at + plane), byte_at(at + 2 * plane));
  }
  sums[lane] = sum;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  if (lane > 0) { return; }
  let key = hash(seed, values[epoch_at], indices[n]);
  let grey = dot(GREY, vec3f(sums[0]) / f32(plane)) / 255;
  var c = Colours(mat3x3f(1, 0, 0, 0, 1, 0, 0, 0, 1), vec3f(), grey);
  let order = mix(key) % 6;
  let first = order / 2;
  let second = (first + 1 + order % 2) % 3;
  let third = (first + 2 - order % 2) % 3;
  c = jittered(c, first, 1 + jitter * (2 * uniform_of(key, first) - 1));
  c = jittered(c, second, 1 + jitter * (2 * uniform_of(key, second) - 1));
  c = jittered(c, third, 1 + jitter * (2 * uniform_of(key, third) - 1));
  let drawn = lighting * vec3f(normal_of(key, 3), normal_of(key, 5), normal_of(key, 7));
  let weight = drawn * vec3f(0.2175, 0.0188, 0.0045);
  c.offset += weight.x * vec3f(-0.5675, -0.5808, -0.5836);
  c.offset += weight.y * vec3f(0.7192, -0.0045, -0.6948);
  c.offset += weight.z * vec3f(0.4009, -0.8140, 0.4203);
  let mean = vec3f(mean_r, mean_g, mean_b) / 255;
  let deviation = vec3f(std_r, std_g, std_b) / 255;
  let rows = transpose(c.linear);
  let offset = (c.offset - mean) / deviation;
  matrices[3 * n] = vec4f(rows[0] / deviation.x, offset.x);
  matrices[3 * n + 1] = vec4f(rows[1] / deviation.y, offset.y);
  matrices[3 * n + 2] = vec4f(rows[2] / deviation.z, offset.z);
}

@group(0) @binding(0) var<storage, read> drawn_matrices: array<vec4f>;
@group(0) @binding(1) var<storage, read> bytes: array<u32>;
@group(0) @binding(2) var<storage, read_write> x: array<vec4<real>>;

fn value_at(index: u32) -> f32 {
  return f32((bytes[index / 4] >> (index % 4 * 8)) & 255u) / 255;
}

@compute @workgroup_size(lanes)
fn apply(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let plane = size * size;
  let n = i / plane;
  if (n >= batch) { return; }
  let at = n * 3 * plane + i % plane;
  let rgb1 = vec4f(value_at(at), value_at(at + plane), value_at(at + 2 * plane), 1);
  let red = dot(drawn_matrices[3 * n], rgb1);
  let green = dot(drawn_matrices[3 * n + 1], rgb1);
  x[i] = vec4<real>(vec4f(red, green, dot(drawn_matrices[3 * n + 2], rgb1), 0));
}
