/** @file Typed arrays as text, so that they come back from a snapshot exactly. */

export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

const bytesOf = (array: Numbers): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The bytes of an array in base64. */
export const toBase64 = (array: Numbers): string => Buffer.from(bytesOf(array)).toString("base64");

/**
 * Overwrites an array with what `toBase64` made.
 * @param what the snapshot's owner, for the error
 * @throws RangeError if the text holds another number of bytes
 */
export function fromBase64(text: string, array: Numbers, what: string): void {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== array.byteLength) {
    throw new RangeError(
      `${what} snapshot: ${bytes.length} bytes where ${array.byteLength} belong; it is of another environment`,
    );
  }
  bytesOf(array).set(bytes);
}
