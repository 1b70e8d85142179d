/** @file The training, in a worker of the page, which stays awake beside it. */

import { openTraining } from "bpta/browser";

/** What the worker says. */
export type Message =
  | {
      readonly kind: "update";
      readonly step: number;
      readonly episodeReturn: number;
      readonly stepsPerSecond: number;
    }
  | { readonly kind: "end"; readonly meanReturn: number; readonly policy: Uint8Array<ArrayBuffer> };

const say = (message: Message): void => postMessage(message);

addEventListener("message", async ({ data: steps }: MessageEvent<number>) => {
  const training = await openTraining({ env: { id: "climbing" }, algorithm: { name: "bppo" }, steps });
  for await (const { step, episodeReturn = 0, stepsPerSecond } of training)
    say({ kind: "update", step, episodeReturn, stepsPerSecond });
  const { meanReturn } = await training.evaluate();
  say({ kind: "end", meanReturn, policy: training.exportPolicy() as Uint8Array<ArrayBuffer> });
  await training.close();
});
