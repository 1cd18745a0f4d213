/** A point, or a vector, of the plane. */
export type Point = readonly [x: number, y: number];

/** The distance from a point to an outline, negative inside. */
export type Distance = (x: number, y: number) => number;

/**
 * Measures the distance to a circle.
 *
 * @param centre Its centre.
 * @param radius Its radius.
 * @returns The signed distance.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(circle([1, 0], 2)(4, 4), 3);
 * ```
 */
export function circle([centreX, centreY]: Point, radius: number): Distance {
  return (x, y) => {
    const [fromX, fromY] = [x - centreX, y - centreY];
    return Math.sqrt(fromX * fromX + fromY * fromY) - radius;
  };
}

/**
 * Measures the distance to a line segment of some thickness.
 *
 * @param from One end.
 * @param options Where it leads, as a vector from there, and how thick it is.
 * @returns The signed distance.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(stroke([0, 0], { along: [4, 0], thickness: 2 })(2, 3), 2);
 * ```
 */
export function stroke(
  from: Point,
  { along, thickness }: { along: Point; thickness: number },
): Distance {
  const edge = { x: from[0], y: from[1], dx: along[0], dy: along[1] };
  return (x, y) => Math.sqrt(squaredToEdge(x, y, edge)) - thickness / 2;
}

/**
 * Measures the distance to a polygon, convex or not.
 *
 * @param corners Its corners in order, at least three.
 * @returns The signed distance.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const square = polygon([[-1, -1], [1, -1], [1, 1], [-1, 1]]);
 * assert.deepEqual([square(0, 0), square(3, 0)], [-1, 2]);
 * ```
 */
export function polygon(corners: readonly Point[]): Distance {
  const edges = corners.map(([x, y], index): Edge => {
    const [toX, toY] = corners[(index + 1) % corners.length] ?? [x, y];
    return { x, y, dx: toX - x, dy: toY - y };
  });
  return (x, y) => {
    let squared = Infinity;
    let inside = false;
    for (const edge of edges) {
      squared = Math.min(squared, squaredToEdge(x, y, edge));
      if (crosses(x, y, edge)) inside = !inside;
    }
    return inside ? -Math.sqrt(squared) : Math.sqrt(squared);
  };
}

/**
 * Turns a solid into the band along its edge.
 *
 * @param solid The distance to the solid.
 * @param thickness How far the band reaches inwards.
 * @returns The signed distance to the band.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const ring = hollow(circle([0, 0], 5), 2);
 * assert.deepEqual([ring(0, 0), ring(4, 0), ring(7, 0)], [3, -1, 2]);
 * ```
 */
export function hollow(solid: Distance, thickness: number): Distance {
  return (x, y) => Math.abs(solid(x, y) + thickness / 2) - thickness / 2;
}

interface Edge {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

function squaredToEdge(x: number, y: number, edge: Edge): number {
  const { dx, dy } = edge;
  const [fromX, fromY] = [x - edge.x, y - edge.y];
  const along = (fromX * dx + fromY * dy) / (dx * dx + dy * dy);
  const nearest = Math.min(Math.max(along, 0), 1);
  const [offX, offY] = [fromX - nearest * dx, fromY - nearest * dy];
  return offX * offX + offY * offY;
}

function crosses(x: number, y: number, { x: edgeX, y: edgeY, dx, dy }: Edge): boolean {
  const [fromX, fromY] = [x - edgeX, y - edgeY];
  if ((fromY < 0) === (fromY < dy)) return false;
  return (fromX * dy < fromY * dx) === (dy > 0);
}
