import { expect, test } from "vitest";
import { pictureAddress } from "./pictures";

const page = "https://meet.example.org/rooms/a?lang=fr";

test.each([
  ["/media/anna.png", "https://meet.example.org/media/anna.png"],
  ["anna.png", "https://meet.example.org/rooms/anna.png"],
  ["https://meet.example.org/anna.png", "https://meet.example.org/anna.png"],
  ["https://elsewhere.example/anna.png", null],
  ["//elsewhere.example/anna.png", null],
  ["http://meet.example.org/anna.png", null],
  ["https://meet.example.org:8443/anna.png", null],
  ["https://meet.example.org@elsewhere.example/anna.png", null],
  ["blob:https://meet.example.org/6ec572eb", null],
  ["data:image/png;base64,AAAA", null],
  ["javascript:alert(1)", null],
  ["https://", null],
  ["", null],
])("of the picture %j the address %j is fetched", (picture, expected) => {
  expect(pictureAddress({ picture }, page)).toBe(expected);
});

test("who names no picture has none", () => {
  expect(pictureAddress({}, page)).toBeNull();
});

test("a page that lies in a file has no origin, and no pictures", () => {
  expect(pictureAddress({ picture: "anna.png" }, "file:///home/anna/page.html")).toBeNull();
});
