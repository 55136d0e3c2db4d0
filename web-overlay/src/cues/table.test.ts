import fc from "fast-check";
import { expect, test } from "vitest";
import { Table } from "./table";

const key = fc.constantFrom("a", "b", "c-1", "c-2", "é", "");
const step = fc.oneof(fc.tuple(fc.constant("set"), key, fc.integer()), fc.tuple(fc.constant("delete"), key, fc.constant(0)));

test("a table holds what a map would hold, and earlier tables stay as they were", () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const map = new Map<string, number>();
      let table = Table.empty<number>();
      for (const [act, at, value] of steps) {
        const before = [...table.values()].sort();
        const next = act === "set" ? table.set(at, value) : table.delete(at);
        expect([...table.values()].sort()).toEqual(before);
        table = next;
        if (act === "set") map.set(at, value);
        else map.delete(at);
      }
      expect(table.size).toBe(map.size);
      expect([...table.keys()].sort()).toEqual([...map.keys()].sort());
      for (const [at, value] of map) expect(table.get(at)).toBe(value);
      const gone: string[] = steps.slice(0, 2).map(([, at]) => at);
      expect([...table.without(gone).keys()].sort()).toEqual([...map.keys()].filter((at) => !gone.includes(at)).sort());
      expect(table.without(gone).size).toBe(map.size - new Set(gone.filter((at) => map.has(at))).size);
    }),
  );
});
