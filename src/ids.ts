/** @file What environments and algorithms are called: a name, or the path of a module of the user's own. */

/** Whether an id is the path of a module: `./my-env.ts`, `/home/me/env.js`, `envs/crossing.mjs`. */
export const isModulePath = (id: string): boolean => /^\.{0,2}[/\\]|^[A-Za-z]:[/\\]|\.[cm]?[jt]s$/.test(id);

/**
 * What an id is called where people read it: a module by its file.
 * @param parents how many of the directories above the file are told, too
 */
export const titleOfId = (id: string, parents = 0): string =>
  isModulePath(id)
    ? id
        .split(/[/\\]/)
        .slice(-1 - parents)
        .join("/")
    : id;

/** An id as a name without characters that need quoting: a module's file name stands for its path. */
export const nameOfId = (id: string): string =>
  id
    .replace(/^.*[/\\]/, "")
    .replace(/\.[cm]?[jt]s$/, "")
    .replace(/[^\w.+=-]+/g, "-");
