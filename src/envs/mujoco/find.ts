/** @file From an id like `HalfCheetah-6x1` to the robot and its factorisation. */

import { InputError } from "../../errors.ts";
import { didYouMean } from "../../names.ts";
import type { Robot, RobotVariant } from "./robot.ts";
import { robotFamilies } from "./robots/index.ts";

/**
 * The robot of an id: a family's name, a dash, the factorisation.
 * @throws InputError saying what there is, if there is no such robot or factorisation
 */
export function findRobot(id: string, variant: RobotVariant): Robot {
  const dash = id.indexOf("-");
  const name = dash < 0 ? id : id.slice(0, dash);
  const family = robotFamilies.find((candidate) => candidate.name === name);
  if (!family) {
    const names = robotFamilies.map((candidate) => candidate.name);
    throw new InputError(`no robot is called ${name}${didYouMean(name, names)} (there are: ${names.join(", ")})`);
  }
  return family.build(dash < 0 ? "" : id.slice(dash + 1), variant);
}
