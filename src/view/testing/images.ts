/** @file What image files say of themselves, read by their specifications, for tests. */

const ascii = (bytes: Buffer, start: number, end: number): string => bytes.toString("latin1", start, end);

/** From a PNG's header chunk. https://www.w3.org/TR/png/#11IHDR */
export function pngSize(bytes: Buffer): { readonly width: number; readonly height: number } {
  if (ascii(bytes, 0, 8) !== "\x89PNG\r\n\x1a\n" || ascii(bytes, 12, 16) !== "IHDR") throw new Error("not a PNG");
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** A GIF's size, and the delay of each of its frames in 1/100 s. https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
export function gifFrames(bytes: Buffer): {
  readonly width: number;
  readonly height: number;
  readonly hundredths: readonly number[];
} {
  if (ascii(bytes, 0, 6) !== "GIF89a") throw new Error("not a GIF");
  const tableLength = (flags: number): number => ((flags & 0x80) !== 0 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const skipBlocks = (start: number): number => {
    let at = start;
    while (bytes[at] !== 0) at += bytes[at] + 1;
    return at + 1;
  };
  const hundredths: number[] = [];
  let delay = 0;
  let at = 13 + tableLength(bytes[10]);
  for (;;) {
    const kind = bytes[at];
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      if (bytes[at + 1] === 0xf9) delay = bytes.readUInt16LE(at + 4);
      at = skipBlocks(at + 2);
    } else if (kind === 0x2c) {
      hundredths.push(delay);
      at = skipBlocks(at + 10 + tableLength(bytes[at + 9]) + 1);
    } else throw new Error(`GIF: block ${kind} at ${at}`);
  }
  return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8), hundredths };
}
