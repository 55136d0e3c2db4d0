import { expect, test } from "vitest";
import { columnsOf, gapBetween, joinedTexts, piecesOf } from "./spacing";

const textsOf = (text: string) => piecesOf(text).map((piece) => piece.text);

test("texts are joined by spaces, except where the script has none", () => {
  expect(joinedTexts(["It", "is.", "", "Yes."])).toBe("It is. Yes.");
  expect(joinedTexts(["He said “no”", "“yes”"])).toBe("He said “no” “yes”");
  expect(joinedTexts(["我们今天讨论预算。", "好。"])).toBe("我们今天讨论预算。好。");
  expect(joinedTexts(["예산을", "논의합니다."])).toBe("예산을 논의합니다.");
  expect(gapBetween("", "yes")).toBe("");
});

test("a line may be broken between pieces", () => {
  expect(textsOf("Is it “so”? Yes.")).toEqual(["Is", "it", "“so”?", "Yes."]);
  expect(textsOf("预算，2024年「好」。")).toEqual(["预", "算，", "2024", "年", "「好」。"]);
  expect(textsOf("ちょっと待って。")).toEqual(["ちょっ", "と", "待っ", "て。"]);
  expect(piecesOf("a 我").map(({ index }) => index)).toEqual([0, 2]);
});

test("a wide character takes two columns", () => {
  expect(columnsOf("abé")).toBe(3);
  expect(columnsOf("我们，")).toBe(6);
});
