import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { grad, numpy as np } from "../compile/jax.ts";
import { type LayerNorm, type Linear, normThenLinear } from "../nn/layers.ts";
import { Random } from "../random.ts";
import { firstLayerOfTeam } from "./looking.ts";

const [steps, agents, width, size, hidden] = [2, 3, 4, 2, 5];
const inputs = agents * size + agents;
const rows = steps * agents * width;

test.each([
  ["one graph for all", [agents, agents]],
  ["each sample has its own", [steps, width, agents, agents]],
])(
  "actions that are added up come to what a row for each agent comes to, and so do gradients: %s",
  async (_, shape) => {
    const specs = {
      norm: { scale: float32(inputs), offset: float32(inputs) },
      linear: { weight: float32(inputs, hidden), bias: float32(hidden) },
      actions: float32(steps, agents, width, size),
      predecessors: float32(...shape),
    };
    type Inputs = { norm: LayerNorm<Traced>; linear: Linear<Traced>; actions: Traced; predecessors: Traced };
    const whole = [steps, agents, width];
    /** Each row as it is: what all did, behind a mask, and who looks. */
    const rowByRow = ({ norm, linear, actions, predecessors }: Inputs) => {
      const joint = np.swapaxes(actions, 1, 2).reshape([steps, 1, width, agents, size]);
      const graphs = np.broadcastTo(predecessors, [steps, width, agents, agents]);
      const seen = joint.mul(np.swapaxes(graphs, 1, 2).reshape([...whole, agents, 1])).reshape([rows, agents * size]);
      const ids = np.broadcastTo(np.eye(agents).reshape([1, agents, 1, agents]), [...whole, agents]);
      return normThenLinear(norm, linear, np.concatenate([seen, ids.reshape([rows, agents])], 1));
    };
    const addedUp = ({ norm, linear, ...team }: Inputs) => firstLayerOfTeam(norm, linear, team);
    const program = await compile(
      "both",
      (traced) => {
        const of = (form: (inputs: Inputs) => Traced) => {
          const loss = (i: Inputs) => np.sin(form(i)).sum();
          const gradient = (grad(loss as never) as unknown as (i: Inputs) => Inputs)(traced as Inputs);
          return {
            value: form(traced as Inputs),
            norm: gradient.norm,
            linear: gradient.linear,
            actions: gradient.actions,
          };
        };
        return { rowByRow: of(rowByRow), addedUp: of(addedUp) };
      },
      specs,
    );
    const random = new Random(5);
    const feeds = Object.fromEntries(
      [...program.inputs].map(([name, spec]) => {
        const array = new Float32Array(spec.size);
        if (name === "predecessors")
          array.forEach((_, k) => {
            array[k] = random.uniform() < 0.5 ? 1 : 0;
          });
        else random.fillNormal(array);
        return [name, array];
      }),
    );
    const outputs = await program.run(feeds);
    for (const name of Object.keys(outputs).filter((output) => output.startsWith("rowByRow."))) {
      const expected = outputs[name];
      const got = outputs[name.replace("rowByRow", "addedUp")];
      for (let k = 0; k < expected.length; k++) expect(got[k], `${name} ${k}`).toBeCloseTo(expected[k], 4);
    }
    expect(outputs["addedUp.value"].length).toBe(rows * hidden);
    await program.release();
  },
);
