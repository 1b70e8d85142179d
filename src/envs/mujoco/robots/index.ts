/** @file All robots. */

import type { RobotFamily } from "../robot.ts";
import { ant } from "./ant.ts";
import { coupledHalfCheetah } from "./coupled-half-cheetah.ts";
import { halfCheetah } from "./half-cheetah.ts";
import { humanoid, humanoidStandup } from "./humanoid.ts";
import { manySegmentAnt } from "./many-segment-ant.ts";
import { pusher } from "./pusher.ts";
import { reacher } from "./reacher.ts";
import { manySegmentSwimmer, swimmer } from "./swimmer.ts";
import { hopper, walker2d } from "./walkers.ts";

export const robotFamilies: readonly RobotFamily[] = [
  halfCheetah,
  ant,
  hopper,
  walker2d,
  humanoid,
  humanoidStandup,
  reacher,
  pusher,
  swimmer,
  manySegmentSwimmer,
  manySegmentAnt,
  coupledHalfCheetah,
];
