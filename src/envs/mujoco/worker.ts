/** @file A thread that steps MuJoCo copies; started by `vector.ts`. */

import { parentPort, workerData } from "node:worker_threads";
import { createCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import { serve, type WorkerStart } from "./shared.ts";
import { createTask } from "./task.ts";

const start = workerData as WorkerStart;
const copies = await createCopies(createTask(findRobot(start.id, start.options), start.options), start.memory);
parentPort!.postMessage("ready");
serve(copies, start);
