/** @file N battles as a `VectorEnv`. */

import { Random, type RandomState } from "../../random.ts";
import { fromBase64, toBase64 } from "../bytes.ts";
import type { VectorEnv, VectorMoment } from "../env.ts";
import { environmentSeed } from "../vectorize.ts";
import type { Battles } from "./battles.ts";
import { type BattleRecorder, createBattleRecorder } from "./recorder.ts";

/** Everything that decides what happens next. */
export interface BattlesSnapshot {
  readonly memory: Readonly<Record<string, string>>;
  readonly draws: readonly RandomState[];
}

export function snapshotBattles({ memory, draws }: Battles): BattlesSnapshot {
  return {
    memory: Object.fromEntries(Object.entries(memory).map(([name, array]) => [name, toBase64(array)])),
    draws: draws.map((own) => (own as Random).state),
  };
}

/** @throws RangeError if the snapshot is of another scenario or number of battles */
export function restoreBattles({ memory, draws }: Battles, snapshot: BattlesSnapshot): void {
  for (const [name, array] of Object.entries(memory)) fromBase64(snapshot.memory[name] ?? "", array, "battle");
  snapshot.draws.forEach((state, e) => {
    draws[e] = Random.fromState(state);
  });
}

/** What can be seen and done now, row e. */
export function writeSituation(battles: Battles, e: number, moment: VectorMoment): void {
  battles.look(e, moment.observations, moment.states);
  battles.permit(e, moment);
}

/** N battles, stepped one after the other in this thread. */
export function battlesVectorEnv(battles: Battles, numEnvs: number): VectorEnv {
  let recorder: BattleRecorder | undefined;
  return {
    numEnvs,
    team: battles.team,
    reset(seed, moment) {
      for (let e = 0; e < numEnvs; e++) {
        battles.draws[e] = new Random(environmentSeed(seed, e));
        battles.begin(e);
        writeSituation(battles, e, moment);
      }
    },
    step(actions, moment) {
      for (let e = 0; e < numEnvs; e++) {
        battles.advance(e, actions, moment);
        if (moment.terminations[e] === 1 || moment.truncations[e] === 1) {
          battles.look(e, moment.finalObservations, moment.finalStates);
          recorder?.keep(e);
          battles.begin(e);
        }
        writeSituation(battles, e, moment);
      }
    },
    async recorder() {
      recorder = createBattleRecorder(battles.looks);
      return recorder;
    },
    snapshot: () => snapshotBattles(battles),
    restore(snapshot, moment) {
      restoreBattles(battles, snapshot as BattlesSnapshot);
      for (let e = 0; e < numEnvs; e++) writeSituation(battles, e, moment);
    },
    close() {},
  };
}
