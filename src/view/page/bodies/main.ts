/** @file The script of a page that shows robots. */

import { startPlayer } from "../player.ts";
import { createBodiesView } from "./view.ts";

startPlayer("bodies", createBodiesView);
