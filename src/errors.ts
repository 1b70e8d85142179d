/** @file The errors that end a command in one line rather than in a stack trace. */

/** A message on one line, whatever it was. */
export const oneLine = (message: string): string => message.trim().replace(/\s*\n\s*/g, " ");

/** What the user gave can't be used: the message names the flag or key, the value and what is allowed. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** The run was asked to stop; it finished its update and left a checkpoint. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";

  /** @param path the run directory, to resume from */
  constructor(
    message: string,
    readonly path: string,
  ) {
    super(message);
  }
}
