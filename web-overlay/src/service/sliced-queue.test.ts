import { expect, test } from "vitest";
import { SlicedQueue } from "./sliced-queue";

/** A queue, what it has handled, and its tasks, run one by one. */
function queue(handled: number[] = [], tasks: (() => void)[] = []) {
  let dropped = 0;
  const under = new SlicedQueue<number>(
    (one) => handled.push(one),
    () => (dropped += 1),
    (then) => tasks.push(then),
  );
  const run = () => tasks.shift()?.();
  return { under, handled, run, tasks, dropped: () => dropped };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

test("a few items are handled at once", () => {
  const { under, handled } = queue();
  for (const n of numbers(5)) under.push(n);
  expect(handled).toEqual(numbers(5));
});

test("many items are handled in their order, and no task handles more than a slice", () => {
  const { under, handled, run, tasks } = queue();
  for (const n of numbers(10_000)) under.push(n);
  const steps = [handled.length];
  while (tasks.length > 0) {
    const before = handled.length;
    run();
    if (steps.length < 20) under.push(10_000 + steps.length);
    steps.push(handled.length - before);
  }
  expect(Math.max(...steps)).toBeLessThanOrEqual(200);
  expect(handled.slice(0, 10_000)).toEqual(numbers(10_000));
  expect(handled).toEqual([...handled].sort((a, b) => a - b));
});

test("an item that comes alone, later, is handled at once", () => {
  const { under, handled, run, tasks } = queue();
  for (const n of numbers(500)) under.push(n);
  while (tasks.length > 0) run();
  under.push(500);
  expect(handled).toEqual(numbers(501));
});

test("what finds the queue full is counted", () => {
  const { under, dropped } = queue();
  for (const n of numbers(100_201)) under.push(n);
  expect(dropped()).toBe(1);
});
