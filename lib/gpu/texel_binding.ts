import type { BoundTexels } from "./compiler.ts";
import type { Gpu } from "./device.ts";
import type { MemoryPlan } from "./plan.ts";
import { bytesPerRow, type TexelCopy, texelCopy } from "./texel_plan.ts";

/** The bytes from one dispatch's numbers to the next's, where uniform bindings may begin. */
const APART = 256;

/**
 * Makes the textures of a plan whose buffers have their places.
 *
 * @param options.made Takes what is to be freed with the program.
 * @returns How each dispatch reads through them; nothing where nothing does.
 */
export function bindTexels(
  gpu: Gpu,
  { label, plan: { dispatches, textures, texels }, made }: {
    label: string;
    plan: MemoryPlan;
    made: DisposableStack;
  },
): BoundTexels[] {
  if (textures.length === 0) return [];
  const homes = new Map<number, { view: GPUTextureView; row: number }>();
  const copies = dispatches.map((): TexelCopy[] => []);
  for (const { dtype, bytes, tenants } of textures) {
    const rows = bytes / bytesPerRow(dtype);
    const texture = gpu.createTexture(`${label} texels`, { dtype, rows });
    made.defer(() => texture.destroy());
    const view = texture.createView();
    for (const tenant of tenants) {
      const row = tenant.offset / bytesPerRow(dtype);
      homes.set(tenant.index, { view, row });
      copies[tenant.first]?.push(texelCopy(tenant, { texture, row }));
    }
  }
  const firstRows = new Uint32Array(dispatches.length * APART / 4);
  const buffer = gpu.device.createBuffer({
    label: `${label} rows`,
    size: firstRows.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  made.defer(() => buffer.destroy());
  const bound = dispatches.map((_, at): BoundTexels => {
    const views = new Map<number, GPUTextureView>();
    for (const [binding, index] of texels.reads[at] ?? []) {
      const home = homes.get(index);
      if (home === undefined) continue;
      views.set(binding, home.view);
      firstRows[at * APART / 4 + binding] = home.row;
    }
    const rows = views.size === 0 ? null : { buffer, offset: at * APART, size: 32 };
    return { views, rows, copies: copies[at] ?? [] };
  });
  gpu.device.queue.writeBuffer(buffer, 0, firstRows);
  return bound;
}
