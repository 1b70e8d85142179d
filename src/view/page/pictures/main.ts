/** @file The script of a page that shows what an environment draws of itself. */

import { startPlayer } from "../player.ts";
import { createPicturesView } from "./view.ts";

startPlayer("pictures", createPicturesView);
