/** @file The script of a page that shows battles. */

import { startPlayer } from "../player.ts";
import { createBattleView } from "./view.ts";

startPlayer("battle", createBattleView);
