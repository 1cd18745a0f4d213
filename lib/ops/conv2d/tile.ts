/** Channels of a tile of `gemm.wgsl`. */
export const TILES = [16, 32, 64] as const;

/** The channels of one. */
export type TileChannels = typeof TILES[number];

/** Workgroups from which on each may be large: fewer leave a card idle, where smaller ones would not. */
const MANY = 256;

/** The narrowest tile that holds all channels, the widest where none does. */
export function bestTile(channels: number): TileChannels {
  return TILES.find((tile) => channels <= tile) ?? 64;
}

/**
 * How many pixels an invocation of `gemm.wgsl` adds up, and how many its workgroup.
 *
 * @param options.rows Pixels of the result, all images together.
 * @param options.channels Its channels.
 * @param options.tile Channels of a tile.
 */
export function tileSizes(
  { rows, channels, tile }: { rows: number; channels: number; tile: TileChannels },
): { each: 4 | 8; pixels: number } {
  if (tile === 16) return { each: 4, pixels: 4 * 32 };
  const large = Math.ceil(rows / (8 * 16)) * Math.ceil(channels / tile);
  const each = large < MANY ? 4 : 8;
  return { each, pixels: each * 16 };
}
