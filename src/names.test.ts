import { expect, test } from "vitest";
import { didYouMean, nearestName } from "./names.ts";

test("a name with a few letters wrong, in another case or cut short is recognised", () => {
  const names = ["climbing", "penalty", "HalfCheetah-6x1", "Ant-4x2"];
  expect(nearestName("climbng", names)).toBe("climbing");
  expect(nearestName("halfcheetah-6x1", names)).toBe("HalfCheetah-6x1");
  expect(nearestName("half", names)).toBe("HalfCheetah-6x1");
  expect(nearestName("climb", names)).toBe("climbing");
  expect(nearestName("chess", names)).toBeUndefined();
  expect(nearestName("anything", [])).toBeUndefined();
  expect(nearestName("", [...names, "3m"])).toBeUndefined();
  expect(nearestName("xy", ["3m"])).toBeUndefined();
  expect(didYouMean("penality", names)).toBe("; did you mean penalty?");
  expect(didYouMean("chess", names)).toBe("");
});
