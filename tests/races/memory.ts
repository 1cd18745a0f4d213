/** An invocation of a dispatch. */
export interface Who {
  readonly workgroup: number;
  readonly lane: number;
}

/**
 * Tells what comes before what: a moment is an invocation between two barriers. Moments grow; 0 is none.
 */
export class Clock {
  /** The moment of the invocation that runs. */
  now = 0;
  #epoch = 0;
  #epochBegin = 0;
  #groupBegin = 0;
  readonly #groups = [-1];

  constructor(
    private readonly lanes: number,
    /** Whether other workgroups see the memory. */
    private readonly isShared: boolean,
  ) {}

  /** A workgroup begins. */
  beginGroup(workgroup: number): void {
    this.passBarrier(workgroup);
    if (this.isShared) this.#groupBegin = this.#epochBegin;
  }

  /** All lanes have reached a barrier. */
  passBarrier(workgroup = this.#groups.at(-1) ?? 0): void {
    this.#epoch++;
    this.#groups.push(workgroup);
    this.#epochBegin = this.#epoch * this.lanes;
  }

  /** An invocation goes on. */
  enter(lane: number): void {
    this.now = this.#epochBegin + lane;
  }

  /** Whether no barrier lies between a moment and now, and another invocation has it. */
  isConcurrent(moment: number): boolean {
    if (moment === 0) return false;
    return moment >= this.#epochBegin ? moment !== this.now : moment < this.#groupBegin;
  }

  /** The invocation that a moment belongs to. */
  whoAt(moment: number): Who {
    const epoch = Math.floor(moment / this.lanes);
    return { workgroup: this.#groups[epoch] ?? -1, lane: moment % this.lanes };
  }
}

/** Is told what is wrong, where in the memory, and who else takes part in it. */
export type OnFault = (what: string, where: string, other?: Who) => void;

/**
 * Who has read and written each cell of a memory last. Of readers two are kept: whoever writes, one of them is another.
 */
export class History {
  readonly #writes: Int32Array;
  readonly #atomics: Int32Array;
  readonly #readers: Int32Array;
  readonly #others: Int32Array;

  constructor(
    cells: number,
    private readonly clock: Clock,
    private readonly onFault: OnFault,
  ) {
    this.#writes = new Int32Array(cells);
    this.#atomics = new Int32Array(cells);
    this.#readers = new Int32Array(cells);
    this.#others = new Int32Array(cells);
  }

  /** The invocation that runs reads a cell. */
  read(cell: number): void {
    this.#refuse(this.#writes, cell, "reads what another invocation writes");
    this.#refuse(this.#atomics, cell, "reads what another invocation writes atomically");
    const reader = this.#readers[cell] ?? 0;
    if (reader === this.clock.now) return;
    const kept = this.clock.isConcurrent(reader) ? this.#others : this.#readers;
    kept[cell] = this.clock.now;
  }

  /** The invocation that runs writes a cell. */
  write(cell: number): void {
    this.#refuse(this.#writes, cell, "writes what another invocation writes");
    this.#refuse(this.#atomics, cell, "writes what another invocation writes atomically");
    this.#refuseReaders(cell, "writes what another invocation reads");
    this.#writes[cell] = this.clock.now;
  }

  /** The invocation that runs changes a cell atomically. */
  atomic(cell: number): void {
    this.#refuse(this.#writes, cell, "writes atomically what another invocation writes");
    this.#refuseReaders(cell, "writes atomically what another invocation reads");
    this.#atomics[cell] = this.clock.now;
  }

  #refuseReaders(cell: number, what: string): void {
    this.#refuse(this.#readers, cell, what);
    this.#refuse(this.#others, cell, what);
  }

  #refuse(moments: Int32Array, cell: number, what: string): void {
    const moment = moments[cell] ?? 0;
    if (this.clock.isConcurrent(moment)) {
      this.onFault(`${what}, no barrier between`, `cell ${cell}`, this.clock.whoAt(moment));
    }
  }
}

/** A variable that a workgroup shares; each of its numbers is a cell. */
export class WorkgroupMemory {
  readonly #values: number[];
  readonly #history: History;

  constructor(private readonly cells: number, clock: Clock, onFault: OnFault) {
    this.#values = new Array(cells).fill(0);
    this.#history = new History(cells, clock, onFault);
  }

  /** A workgroup begins: WebGPU clears its memory. */
  clear(): void {
    this.#values.fill(0);
  }

  load(cell: number): number | undefined {
    this.#history.read(cell);
    return this.#values[cell];
  }

  store(cell: number, value: number): void {
    this.#history.write(cell);
    this.#values[cell] = value;
  }
}

const CELL = 2;

/** One NaN for all: V8 leaves open which bits it stores. */
const [NAN_32, NAN_16] = [0x7fc00000, 0x7e00];

/** A range of a GPU buffer, as an entry point sees it. */
export class StorageMemory {
  readonly #view: DataView<ArrayBuffer>;

  /**
   * @param range The bytes that are bound, of those of the buffer.
   * @param history The history of the whole buffer, a cell for each two bytes.
   */
  constructor(
    readonly range: Uint8Array<ArrayBuffer>,
    private readonly history: History,
    private readonly onFault: OnFault,
  ) {
    this.#view = new DataView(range.buffer, range.byteOffset, range.byteLength);
  }

  f32(at: number, value?: number): number {
    if (!this.#touch(at, 4, value !== undefined)) return 0;
    if (value === undefined) return this.#view.getFloat32(at, true);
    if (Number.isNaN(value)) this.#view.setUint32(at, NAN_32, true);
    else this.#view.setFloat32(at, value, true);
    return value;
  }

  f16(at: number, value?: number): number {
    if (!this.#touch(at, 2, value !== undefined)) return 0;
    if (value === undefined) return this.#view.getFloat16(at, true);
    if (Number.isNaN(value)) this.#view.setUint16(at, NAN_16, true);
    else this.#view.setFloat16(at, value, true);
    return value;
  }

  u32(at: number, value?: number): number {
    if (!this.#touch(at, 4, value !== undefined)) return 0;
    if (value === undefined) return this.#view.getUint32(at, true);
    this.#view.setUint32(at, value, true);
    return value;
  }

  /** Keeps the larger of what is there and a value; gives what was there. */
  atomicMax(at: number, value: number): number {
    if (!this.#isWithin(at, 4, "writes")) return 0;
    this.history.atomic((this.range.byteOffset + at) / CELL);
    const old = this.#view.getUint32(at, true);
    this.#view.setUint32(at, Math.max(old, value), true);
    return old;
  }

  #touch(at: number, bytes: number, writes: boolean): boolean {
    if (!this.#isWithin(at, bytes, writes ? "writes" : "reads")) return false;
    // Numbers of one range have one type, so that the first cell of one tells it from others.
    const cell = (this.range.byteOffset + at) / CELL;
    if (writes) this.history.write(cell);
    else this.history.read(cell);
    return true;
  }

  #isWithin(at: number, bytes: number, verb: string): boolean {
    if (at >= 0 && at + bytes <= this.range.byteLength) return true;
    this.onFault(`${verb} past the end of ${this.range.byteLength} bytes`, `byte ${at}`);
    return false;
  }
}
