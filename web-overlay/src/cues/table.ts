const bucketCount = 1024;

/**
 * A persistent map: `set` and `delete` return a new map and copy one bucket instead of all entries.
 * An eight-hour meeting has some ten thousand cues, and up to fifty changes a second.
 */
export class Table<V> {
  readonly size: number;
  readonly #buckets: readonly (ReadonlyMap<string, V> | undefined)[];

  private constructor(buckets: readonly (ReadonlyMap<string, V> | undefined)[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  static empty<V>(): Table<V> {
    return new Table<V>(new Array<undefined>(bucketCount).fill(undefined), 0);
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]?.has(key) ?? false;
  }

  set(key: string, value: V): Table<V> {
    return this.#with(key, (bucket) => bucket.set(key, value));
  }

  delete(key: string): Table<V> {
    return this.has(key) ? this.#with(key, (bucket) => bucket.delete(key)) : this;
  }

  /** The table without these keys; each bucket is copied once. */
  without(keys: readonly string[]): Table<V> {
    const copies = new Map<number, Map<string, V>>();
    for (const key of keys) {
      const index = bucketOf(key);
      const copy = copies.get(index) ?? new Map(this.#buckets[index]);
      copy.delete(key);
      copies.set(index, copy);
    }
    const buckets = this.#buckets.map((bucket, index) => copies.get(index) ?? bucket);
    return new Table(buckets, buckets.reduce((size, bucket) => size + (bucket?.size ?? 0), 0));
  }

  /** The values, in no particular order. */
  *values(): Generator<V> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.values();
  }

  *keys(): Generator<string> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.keys();
  }

  #with(key: string, edit: (bucket: Map<string, V>) => unknown): Table<V> {
    const index = bucketOf(key);
    const bucket = new Map(this.#buckets[index]);
    const before = bucket.size;
    edit(bucket);
    const buckets = this.#buckets.slice();
    buckets[index] = bucket;
    return new Table(buckets, this.size + bucket.size - before);
  }
}

function bucketOf(key: string): number {
  let hash = 0;
  for (let index = 0; index < key.length; index += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0;
  return hash & (bucketCount - 1);
}
