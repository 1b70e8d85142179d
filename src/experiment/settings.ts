/**
 * @file Validation of settings: what is wrong with a value, in one line that says what is allowed.
 *
 * The schemas (zod) are the one description of what can be set. Their JSON Schema form is what messages and the
 * reference documentation are read from.
 */

import { z } from "zod";
import { InputError } from "../errors.ts";
import { didYouMean } from "../names.ts";
import { isTree, type SettingsTree } from "../trees.ts";

/** The parts of JSON Schema that our schemas are made of. */
export interface SchemaNode {
  readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly prefixItems?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** A schema as data: types, bounds, defaults and descriptions, of what goes into it. */
export const schemaNode = (schema: z.ZodType): SchemaNode =>
  z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as SchemaNode;

const branchesOf = (node: SchemaNode): readonly SchemaNode[] => node.anyOf ?? node.oneOf ?? [];

const show = (value: unknown): string => {
  const json = value === undefined ? "nothing" : typeof value === "number" ? String(value) : JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
};

/** The values that a node takes, in words: `a whole number ≥ 1`. */
export function allowedValues(node: SchemaNode | undefined): string {
  if (!node) return "anything";
  const branches = branchesOf(node);
  if (branches.length > 0) return branches.map(allowedValues).join(", or ");
  if (node.const !== undefined) return show(node.const);
  if (node.enum) return `one of ${node.enum.map((value) => String(value)).join(", ")}`;
  switch (node.type) {
    case "integer":
    case "number":
      return (node.type === "integer" ? "a whole number" : "a number") + rangeOf(node);
    case "boolean":
      return "true or false";
    case "string":
      return "text";
    case "null":
      return "null";
    case "array": {
      const length =
        node.minItems !== undefined && node.minItems === node.maxItems
          ? ` of ${node.minItems}`
          : node.minItems
            ? ` of at least ${node.minItems}`
            : "";
      const each = allowedValues(node.items);
      return `a list${length}${each === "anything" ? "" : ` (each: ${each})`}`;
    }
    case "object": {
      const names = Object.keys(node.properties ?? {});
      return names.length > 0 ? `a mapping with ${names.join(", ")}` : "a mapping";
    }
    default:
      return "anything";
  }
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: SchemaNode): string {
  // Zod bounds every whole number by what a double holds exactly; that is no news to anybody.
  const bounds = [
    minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && `≥ ${minimum}`,
    exclusiveMinimum !== undefined && `> ${exclusiveMinimum}`,
    maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && `≤ ${maximum}`,
    exclusiveMaximum !== undefined && `< ${exclusiveMaximum}`,
  ].filter((bound) => bound !== false);
  return bounds.length > 0 ? ` ${bounds.join(" and ")}` : "";
}

/** The node for what stands at `path`; undefined where the schema has nothing to say. */
function nodeAt(node: SchemaNode | undefined, path: readonly PropertyKey[]): SchemaNode | undefined {
  if (!node || path.length === 0) return node;
  const [key, ...rest] = path;
  const additional = typeof node.additionalProperties === "object" ? node.additionalProperties : undefined;
  const child = typeof key === "number" ? (node.prefixItems?.[key] ?? node.items) : node.properties?.[String(key)];
  if (child ?? additional) return nodeAt(child ?? additional, rest);
  for (const branch of branchesOf(node)) {
    const found = nodeAt(branch, path);
    if (found) return found;
  }
  return undefined;
}

type Issue = z.core.$ZodIssue;

/**
 * Of the branches of a union, the issue that tells most: a name that none of the mappings among them knows, or else the one
 * that is furthest inside the value.
 */
function mostTelling(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const unknown = issue.errors.map((issues) => issues.find(({ code }) => code === "unrecognized_keys"));
  const mappings = issue.errors.filter((issues) =>
    issues.some(({ path, code }) => path.length > 0 || code !== "invalid_type"),
  );
  const keys = unknown.map((own) => (own?.code === "unrecognized_keys" && own.path.length === 0 ? own.keys : []));
  const strange = keys.flat().filter((key) => keys.filter((own) => own.includes(key)).length === mappings.length);
  const own = unknown.find((candidate) => candidate !== undefined);
  if (own && strange.length > 0) return { ...own, path: issue.path, keys: [...new Set(strange)] } as Issue;
  const inner = issue.errors
    .map((issues) => issues[0])
    .filter((candidate) => candidate && (candidate.path.length > 0 || candidate.code === "unrecognized_keys"))
    .sort((a, b) => b.path.length - a.path.length)[0];
  return inner ? mostTelling({ ...inner, path: [...issue.path, ...inner.path] }) : issue;
}

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown> | undefined | null)?.[key], value);

/** What an issue says, in one line. */
function describeIssue(issue: Issue, schema: SchemaNode, value: unknown): string {
  const path = issue.path.map(String).join(".");
  const node = nodeAt(schema, issue.path);
  if (issue.code === "unrecognized_keys") {
    const names = settingNames(node);
    const name = issue.keys[0];
    const prefix = path === "" ? "" : `${path}.`;
    const allowed = names.length > 0 ? ` (allowed here: ${names.join(", ")})` : ` (nothing can be set there)`;
    return `${prefix}${name} is not a setting${didYouMean(name, names)}${allowed}`;
  }
  const where = path === "" ? "configuration" : path;
  if (issue.code === "custom") return `${where}: ${issue.message}`;
  const given = valueAt(value, issue.path);
  const meaning = given === undefined && node?.description ? ` (${node.description})` : "";
  return `${where} is ${show(given)}; it must be ${allowedValues(node)}${meaning}`;
}

function settingNames(node: SchemaNode | undefined): string[] {
  if (!node) return [];
  return [node, ...branchesOf(node)].flatMap(({ properties }) => Object.keys(properties ?? {}));
}

/**
 * What `schema` makes of `value`.
 * @throws InputError, one line: the path, the value, what is allowed, the nearest valid name
 */
export function parseSettings<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A name that does not exist explains why another is missing.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  throw new InputError(describeIssue(mostTelling(issue), schemaNode(schema), value));
}

/** What of `tree` `schema` has a name for. A preset speaks to several algorithms; each hears what concerns it. */
export function keepKnown(tree: SettingsTree, schema: SchemaNode): SettingsTree {
  const known: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(tree)) {
    const node = schema.properties?.[key];
    if (!node) continue;
    known[key] = isTree(value) && node.properties ? keepKnown(value, node) : value;
  }
  return known;
}
