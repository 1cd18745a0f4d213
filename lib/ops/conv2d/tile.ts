/** Channels of a tile of `gemm.wgsl`. */
export const TILES = [16, 32, 64] as const;

/** The channels of one. */
export type TileChannels = typeof TILES[number];

/** Invocations from which on each may add up eight pixels: fewer leave a card idle, where twice as many would not. */
const MANY = 2 ** 15;

/** The narrowest tile that holds all channels, the widest where none does. */
export function bestTile(channels: number): TileChannels {
  return TILES.find((tile) => channels <= tile) ?? 64;
}

/**
 * How many pixels an invocation of `gemm.wgsl` adds up, how many its workgroup, and how many invocations that has.
 *
 * @param options.rows Pixels of the result, all images together.
 * @param options.channels Its channels.
 * @param options.tile Channels of a tile.
 */
export function tileSizes(
  { rows, channels, tile }: { rows: number; channels: number; tile: TileChannels },
): { each: 4 | 8; pixels: number; lanes: number } {
  const [columns, across] = [tile / 8, tile === 16 ? 32 : 16];
  const large = Math.ceil(rows / (8 * across)) * Math.ceil(channels / tile) * columns * across;
  const each = tile === 16 || large < MANY ? 4 : 8;
  return { each, pixels: each * across, lanes: columns * across };
}
