/** @file Writes the tables of src/envs/mujoco/README.md from the robots: `npx tsx scripts/mujoco-readme.ts`. */

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

/** What bodies show, a row of numbers each, in one word. */
const bodyWords: readonly (readonly [pattern: RegExp, word: string, count: number])[] = [
  [/^(?:inertia|mass)\b/, "inertia (`cinert`)", 10],
  [/^(?:angular )?velocity [xyz]\b/, "velocity (`cvel`)", 6],
  [/^contact (?:torque|force)\b/, "contact torque and force (`cfrc_ext`)", 6],
];

/** Numbers `first` to `last`: the same of several parts, or several of the same part. */
interface Entry {
  readonly first: number;
  readonly last: number;
  readonly what: readonly string[];
  readonly of: readonly string[];
}

/** Each number's meaning, a body's row as one. */
function entries(labels: readonly string[], bodies: readonly string[]): Entry[] {
  const found: Entry[] = [];
  for (let i = 0; i < labels.length; ) {
    const [, part, quantity] = /^(\S+) (.*)$/.exec(labels[i])!;
    const clip = /, clipped to \S+/.exec(quantity)?.[0] ?? "";
    const row = bodies.includes(part) ? bodyWords.find(([pattern]) => pattern.test(quantity)) : undefined;
    const whole = /^(?:sin|cos|tendon) /.test(labels[i]);
    const what = row ? `${row[1]}${clip}` : whole ? labels[i] : quantity;
    const count = row ? row[2] : 1;
    found.push({ first: i, last: i + count - 1, what: [what], of: whole ? [] : [part] });
    i += count;
  }
  return found;
}

const equal = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

/** Makes one of consecutive entries that are of the same part, or say the same of different parts. */
function merge(list: readonly Entry[], by: "what" | "of"): Entry[] {
  const other = by === "what" ? "of" : "what";
  const merged: Entry[] = [];
  for (const entry of list) {
    const before = merged.at(-1);
    if (before && before.of.length > 0 && equal(before[by], entry[by])) {
      merged[merged.length - 1] = { ...before, last: entry.last, [other]: [...before[other], ...entry[other]] };
    } else merged.push(entry);
  }
  return merged;
}

const several = (words: readonly string[]): string =>
  words.length > 8 ? `${words[0]}, ${words[1]}, …, ${words.at(-1)}` : words.join(", ");

const meaning = ({ what, of }: Entry): string =>
  of.length > 0 ? `${what.join(", ")} of ${several(of)}` : what.join(", ");

/** In the words of the categories. */
const brief = (text: string): string =>
  text
    .replaceAll("angle (rad)", "qpos")
    .replaceAll("angular velocity (rad/s)", "qvel")
    .replaceAll("motor torque (N m)", "qfrc_actuator")
    .replaceAll(/\w[\w ]* \(`(\w+)`\)/g, "$1")
    .replaceAll(/, clipped to ±\d+/g, "");

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
    for (const entry of merge(entries(first.team.stateSpace.labels!, bodies), "what"))
      lines.push(row(numbers(entry), meaning(entry)));
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
            merge(merge(entries(paper.observationSpaces[i].labels!, bodies), "of"), "what")
              .map(meaning)
              .map(brief)
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
