alias real = f32;
// Makes a batch from images kept as bytes: reflect-pad by p, flip, crop, normalise, as PyTorch's CIFAR transforms.
//   k = order[(start + n) mod count]                the image; r = hash(seed, epoch, k)
//   x[n, y, x, c] = (image[k, c, reflect(y + dy), reflect(flip(x + dx))] / 255 - mean[c]) / std[c]
// with dy, dx uniform in 0..2p minus p, and a flip of the padded image with probability 1/2. p = 0 leaves out the crop.
// Layout: pixels [images of this shard, 3, size, size] bytes, four a word; order, labels [count]; x [N, size, size, 1]
// vec4s (red, green, blue, 0). One invocation a pixel. A set too large for one binding comes in shards: each dispatch
// fills in the images that it holds.
override batch: u32;
override size: u32;
override count: u32;
override first: u32 = 0; // first image of the shard
override held: u32; // images of the shard
override padding: u32 = 0;
override flips: bool = false;
override mean_r: f32;
override mean_g: f32;
override mean_b: f32;
override std_r: f32;
override std_g: f32;
override std_b: f32;
override start_at: u32; // places in `values`
override epoch_at: u32;
override seed: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4<real>>;

// A finaliser of 32 bits (Degski): every bit of the input changes half of the output's.
fn mix(value: u32) -> u32 {
  var h = value;
  h = (h ^ (h >> 16)) * 0x45d9f3bu;
  h = (h ^ (h >> 16)) * 0x45d9f3bu;
  return h ^ (h >> 16);
}

fn hash(a: u32, b: u32, c: u32) -> u32 {
  return mix((mix(mix(a + 0x9e3779b9u) ^ b) + 0x9e3779b9u) ^ c);
}

// A place on the padded side, as a place in the image: -1 is 1, size is size - 2.
fn reflect_side(at: u32) -> u32 {
  if (at < padding) { return padding - at; }
  if (at - padding >= size) { return 2 * size - 2 - (at - padding); }
  return at - padding;
}

fn byte_at(index: u32) -> f32 {
  return f32((pixels[index / 4] >> (index % 4 * 8)) & 255u);
}

@compute @workgroup_size(lanes)
fn batch_of_images(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let n = i / (size * size);
  if (n >= batch) { return; }
  let image = order[(values[start_at] + n) % count];
  if (image < first || image >= first + held) { return; }
  let bits = hash(seed, values[epoch_at], image);
  let span = 2 * padding + 1;
  let dy = ((bits >> 16) * span) >> 16;
  let dx = ((bits & 0xffffu) * span) >> 16;
  var across = i % size + dx;
  if (flips && (mix(bits) & 1u) == 1u) { across = size + 2 * padding - 1 - across; }
  let row = reflect_side(i / size % size + dy);
  let at = (image - first) * 3 * size * size + row * size + reflect_side(across);
  let rgb = vec3f(byte_at(at), byte_at(at + size * size), byte_at(at + 2 * size * size));
  let mean = vec3f(mean_r, mean_g, mean_b) / 255;
  let deviation = vec3f(std_r, std_g, std_b) / 255;
  x[i] = vec4<real>(vec4f((rgb / 255 - mean) / deviation, 0));
}

@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;

@compute @workgroup_size(lanes)
fn batch_of_labels(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= batch) { return; }
  chosen[id.x] = labels[order[(values[start_at] + id.x) % count]];
}
