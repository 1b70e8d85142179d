/** @file The script of a page that shows football. */

import { startPlayer } from "../player.ts";
import { createPitchView } from "./view.ts";

startPlayer("pitch", createPitchView);
