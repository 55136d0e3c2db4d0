import { expect, test } from "vitest";
import { parseCueBlock } from "./vtt";

const block = (text: string, times = "00:01:02.480 --> 00:01:04.960", id = "a3-17") => `${id}\n${times}\n${text}`;

test("a cue block gives its id, times, speaker and text", () => {
  expect(parseCueBlock(block("<v Alice Martin>On commence par le budget"))).toEqual({
    id: "a3-17",
    start_ms: 62_480,
    end_ms: 64_960,
    name: "Alice Martin",
    text: "On commence par le budget",
  });
});

test("entities are resolved once, in names and in texts", () => {
  expect(parseCueBlock(block("<v A &amp; B>1 &lt; 2 &gt; 0&nbsp;&amp;lt;"))).toMatchObject({ name: "A & B", text: "1 < 2 > 0\u00a0&lt;" });
});

test.each([
  ["no text line", "a\n00:00:00.000 --> 00:00:01.000", "cue-lines"],
  ["two text lines", block("one\ntwo"), "cue-lines"],
  ["an empty id", block("x", undefined, ""), "cue-id"],
  ["an arrow in the id", block("x", undefined, "a --> b"), "cue-id"],
  ["times without hours", block("x", "01:02.480 --> 01:04.960"), "cue-times"],
  ["cue settings", block("x", "00:01:02.480 --> 00:01:04.960 line:0"), "cue-times"],
  ["sixty seconds", block("x", "00:00:60.000 --> 00:01:04.960"), "cue-times"],
  ["an end before the start", block("x", "00:01:02.480 --> 00:01:02.479"), "cue-times-backwards"],
  ["an element", block("<v Eve><img src=x onerror=alert(1)>"), "cue-markup"],
  ["an inline time", block("<v Eve>one <00:01:03.000>two"), "cue-markup"],
  ["a bare arrow", block("one --> two"), "cue-markup"],
  ["a second voice", block("<v Eve>one</v> <v Bob>two"), "cue-markup"],
  ["a bare ampersand", block("salt & pepper"), "cue-entity"],
  ["an entity that is none of ours", block("caf&eacute;"), "cue-entity"],
  ["NUL", block("a\0b"), "cue-control-character"],
  ["a line separator", block("a\u2028b"), "cue-control-character"],
  ["a name of nothing", block("<v  >text"), "cue-name"],
])("%s is refused", (_, text, fault) => {
  expect(parseCueBlock(text)).toBe(fault);
});
