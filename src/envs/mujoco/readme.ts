/** @file The tables of README.md: what each robot's numbers are, and each agent's. */

import { table, withTextBetween } from "../../markdown.ts";
import { findRobot } from "./find.ts";
import { type MujocoOptions, optionsSchema, referenceOptions } from "./options.ts";
import { robotFamilies } from "./robots/index.ts";
import { createTask } from "./task.ts";

const BEGIN = "<!-- The tables below are made from the robots by `npx tsx scripts/reference.ts`. -->";
const END = "<!-- The tables above are made from the robots. -->";

/** Agents of a team that are shown, where it has more: the first two and the last. */
const MOST_SHOWN = 6;

const plainOptions: MujocoOptions = optionsSchema.parse({
  agentId: false,
  standardise: false,
  state: { agentId: false, standardise: false },
});

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

/** What each number of the full state is. */
function stateTable(id: string): readonly string[] {
  const { team, robot } = createTask(findRobot(id, plainOptions), { ...plainOptions, obsk: null });
  const numbered = merge(entries(team.stateSpace.labels!, robot.index.bodies), "what");
  return [
    `${team.stateSpace.size} numbers:`,
    table(
      ["number", "what"],
      numbered.map((entry) => [numbers(entry), meaning(entry)]),
    ),
  ];
}

/** What each agent of a task moves and sees. */
function agentRows(id: string): readonly (readonly string[])[] {
  const robot = findRobot(id, plainOptions);
  const paper = createTask(robot, plainOptions).team;
  const reference = createTask(robot, referenceOptions).team;
  const rows = paper.observationSpaces.map(({ labels }, i) => {
    const motors = robot.agents[i].map(({ motor }) => robot.description.motors[motor!].joint);
    const seen = merge(merge(entries(labels!, robot.index.bodies), "of"), "what")
      .map(meaning)
      .map(brief);
    return [`\`${id}\``, String(i), motors.join(", "), seen.join("; "), String(reference.observationSpaces[i].size)];
  });
  return rows.length > MOST_SHOWN ? [...rows.slice(0, 2), ["", "…", "", "and so on", ""], rows.at(-1)!] : rows;
}

/** README.md with its tables put where they belong, between its two marks. */
export function withRobotTables(document: string): string {
  const sections = robotFamilies.map(({ name, description, factorisations }) => {
    const isOpen = "form" in factorisations;
    const shown = isOpen ? factorisations.examples : factorisations;
    const [size, numbered] = stateTable(`${name}-${shown[0]}`);
    return [
      `## ${name}`,
      description,
      ...(isOpen ? [`Any \`${name}-${factorisations.form}\`; these tables have ${shown.join(", ")}.`] : []),
      `The full state${isOpen ? ` of ${name}-${shown[0]}` : ""}, ${size}`,
      numbered,
      table(
        [
          "id",
          "agent",
          "action: the joints of its motors",
          "observes with `obsk` 0 (paper)",
          "size with `obsk` 1 and the trunk (reference)",
        ],
        shown.flatMap((factorisation) => agentRows(`${name}-${factorisation}`)),
      ),
    ].join("\n\n");
  });
  return withTextBetween(document, BEGIN, sections.join("\n\n"), END);
}
