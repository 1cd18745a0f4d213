import type { BoundTexels } from "./compiler.ts";
import type { Gpu } from "./device.ts";
import type { MemoryPlan } from "./plan.ts";
import { bytesPerRow, type TexelCopy, texelCopy } from "./texel_plan.ts";
import { NUMBERS, sizesOf } from "./texels.ts";

/** The bytes of one dispatch's numbers; uniform bindings may begin at multiples of 256. */
const BYTES = 4 * NUMBERS;

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
  const numbers = new Uint32Array(dispatches.length * NUMBERS);
  const buffer = gpu.device.createBuffer({
    label: `${label} numbers`,
    size: numbers.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  made.defer(() => buffer.destroy());
  const bound = dispatches.map((dispatch, at): BoundTexels => {
    const own = sizesOf(dispatch);
    const views = new Map<number, GPUTextureView>();
    for (const [binding, index] of texels.reads[at] ?? []) {
      const home = homes.get(index);
      if (home === undefined) continue;
      views.set(binding, home.view);
      own[binding] = home.row;
    }
    numbers.set(own, at * NUMBERS);
    const binding = { buffer, offset: at * BYTES, size: BYTES };
    const isRead = views.size > 0 || dispatch.kernel.sizes.length > 0;
    return { views, numbers: isRead ? binding : null, copies: copies[at] ?? [] };
  });
  gpu.device.queue.writeBuffer(buffer, 0, numbers);
  return bound;
}
