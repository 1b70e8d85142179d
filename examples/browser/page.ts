/** @file The page: starts the training beside it, and draws what that says. docs/browser.md says how to bundle the two. */

import type { Message } from "./training.ts";

const find = (id: string): HTMLElement => document.getElementById(id)!;
const steps = Number(new URLSearchParams(location.search).get("steps") ?? 200_000);
const points: string[] = [];

const training = new Worker("training.js", { type: "module" });
training.postMessage(steps);
training.onmessage = ({ data }: MessageEvent<Message>) => {
  switch (data.kind) {
    case "update":
      // From 11, at the top, to the worst payoff, −30.
      points.push(`${data.step / steps},${11 - data.episodeReturn}`);
      find("curve").setAttribute("points", points.join(" "));
      find("state").textContent = `${data.step} of ${steps} steps, ${Math.round(data.stepsPerSecond)} a second`;
      break;
    case "end": {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([data.policy]));
      link.download = "policy.onnx";
      link.textContent = "their policy";
      find("state").replaceChildren(`The greedy joint action pays ${data.meanReturn}: `, link);
    }
  }
};
training.onerror = ({ message }) => {
  find("state").textContent = message;
};
