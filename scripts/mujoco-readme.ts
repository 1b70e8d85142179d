/** @file Writes the tables of src/envs/mujoco/README.md from the robots themselves: `tsx scripts/mujoco-readme.ts`. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { findRobot } from "../src/envs/mujoco/find.ts";
import { type MujocoOptions, optionsSchema, referenceOptions } from "../src/envs/mujoco/options.ts";
import { robotFamilies } from "../src/envs/mujoco/robots/index.ts";
import { createTask } from "../src/envs/mujoco/task.ts";

const file = new URL("../src/envs/mujoco/README.md", import.meta.url);
const marker = "<!-- Tables: written by scripts/mujoco-readme.ts -->";

const plainOptions: MujocoOptions = optionsSchema.parse({
  agentId: false,
  standardise: false,
  state: { agentId: false, standardise: false },
});

const row = (...cells: readonly (string | number)[]): string =>
  `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;

/** What bodies show, 6 or 10 numbers each, in one word. */
const bodyWords: readonly (readonly [pattern: RegExp, word: string, count: number])[] = [
  [/^(\S+) (?:inertia|mass)\b/, "inertia (`cinert`)", 10],
  [/^(\S+) (?:angular )?velocity [xyz]\b/, "velocity (`cvel`)", 6],
  [/^(\S+) contact (?:torque|force)\b/, "contact torque and force (`cfrc_ext`)", 6],
];

interface Entry {
  readonly first: number;
  readonly last: number;
  readonly meaning: string;
}

/** Numbers in order, each with its meaning; a body's row is one entry, and so are rows of consecutive bodies. */
function entries(labels: readonly string[], bodies: readonly string[]): Entry[] {
  const found: (Entry & { readonly word?: string; readonly from?: string })[] = [];
  for (let i = 0; i < labels.length; ) {
    const match = bodyWords
      .map(([pattern, word, count]) => ({ body: pattern.exec(labels[i])?.[1], word, count }))
      .find(({ body }) => body !== undefined && bodies.includes(body));
    if (!match?.body) {
      found.push({ first: i, last: i, meaning: labels[i] });
      i++;
      continue;
    }
    const { body, word, count } = match;
    const clip = /, clipped to ±\S+/.exec(labels[i])?.[0] ?? "";
    const before = found.at(-1);
    const follows =
      before?.word === word && bodies.indexOf(body) === bodies.indexOf(before.meaning.split(" ").at(-1)!) + 1;
    const meaning = (from: string) =>
      from === body ? `${word}${clip} of ${body}` : `${word}${clip} of ${from} to ${body}`;
    const from = follows ? before.from! : body;
    const entry = { first: follows ? before.first : i, last: i + count - 1, meaning: meaning(from), word, from };
    if (follows) found[found.length - 1] = entry;
    else found.push(entry);
    i += count;
  }
  return found;
}

const numbers = ({ first, last }: Entry): string => (first === last ? `${first}` : `${first} to ${last}`);

function tables(): string {
  const lines: string[] = [];
  for (const { name, description, factorisations } of robotFamilies) {
    const names = "form" in factorisations ? factorisations.examples : factorisations;
    const first = createTask(findRobot(`${name}-${names[0]}`, plainOptions), { ...plainOptions, obsk: null });
    const { bodies } = first.robot.index;
    lines.push(`## ${name}`, "", description, "");
    if ("form" in factorisations)
      lines.push(`Any \`${name}-${factorisations.form}\`; these tables have ${names.join(", ")}.`, "");
    lines.push(
      `The full state${"form" in factorisations ? ` of ${name}-${names[0]}` : ""}, ${first.team.stateSpace.size} numbers:`,
      "",
    );
    lines.push(row("number", "what"), row("---", "---"));
    for (const entry of entries(first.team.stateSpace.labels!, bodies)) lines.push(row(numbers(entry), entry.meaning));
    lines.push(
      "",
      row(
        "id",
        "agent",
        "action: the joints of its motors",
        "observes with `obsk` 0 (paper)",
        "size with `obsk` 1 and the trunk (reference)",
      ),
    );
    lines.push(row("---", "---", "---", "---", "---"));
    for (const factorisation of names) {
      const id = `${name}-${factorisation}`;
      const robot = findRobot(id, plainOptions);
      const paper = createTask(robot, plainOptions).team;
      const reference = createTask(robot, referenceOptions).team;
      const shown =
        paper.agents.length > 6
          ? [...paper.agents.keys()].filter((i) => i < 2 || i === paper.agents.length - 1)
          : [...paper.agents.keys()];
      for (const i of shown) {
        const motors = robot.agents[i].map(({ motor }) => robot.description.motors[motor!].joint);
        lines.push(
          row(
            `\`${id}\``,
            i,
            motors.join(", "),
            entries(paper.observationSpaces[i].labels!, bodies)
              .map(({ meaning }) => meaning)
              .join("; "),
            reference.observationSpaces[i].size,
          ),
        );
        if (shown.length < paper.agents.length && i === 1) lines.push(row("", "…", "", "and so on", ""));
      }
    }
    lines.push("");
  }
  return lines.join("\n");
}

const [hand] = readFileSync(file, "utf8").split(marker);
const temporary = new URL(`${file.href}.new`);
writeFileSync(temporary, `${hand}${marker}\n\n${tables()}`);
renameSync(temporary, file);
