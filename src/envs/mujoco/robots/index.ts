/** @file All robots. */

import type { RobotFamily } from "../robot.ts";
import { halfCheetah } from "./half-cheetah.ts";

export const robotFamilies: readonly RobotFamily[] = [halfCheetah];
